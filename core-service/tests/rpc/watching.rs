//! A user's stream lasts as long as the right to it.

use futures::{StreamExt as _, stream};
use prost_types::Duration;
use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::user_service_client::UserServiceClient;
use roomcast_proto::v1::watch_job_response::Frame as JobFrame;
use roomcast_proto::v1::watch_topic_response::Frame as TopicFrame;
use roomcast_proto::v1::work_request::Request as Said;
use roomcast_proto::v1::work_response::Response as Heard;
use tonic::{Status, Streaming};

use crate::core::{Core, refused, report, request, serve, service};
use crate::session::{User, admin, someone};

async fn job(alice: &User<'_>, core: &Core, project_id: &str) -> String {
    let job = v1::CreateJobRequest { project_id: project_id.to_owned(), ..report("x") };
    let created = core.jobs().create_job(alice.ask(job)).await.expect("created").into_inner();
    created.job.expect("a job").job_id
}

async fn watch_job(core: &Core, user: &User<'_>, job_id: &str) -> Streaming<v1::WatchJobResponse> {
    let watch = v1::WatchJobRequest { job_id: job_id.to_owned(), ..Default::default() };
    core.jobs().watch_job(user.ask(watch)).await.expect("a stream").into_inner()
}

async fn watch_topic(
    core: &Core,
    user: &User<'_>,
    topic: &str,
) -> Streaming<v1::WatchTopicResponse> {
    let watch = v1::WatchTopicRequest { topic: topic.to_owned(), ..Default::default() };
    core.broadcast().watch_topic(user.ask(watch)).await.expect("a stream").into_inner()
}

/// Ends all tokens of a user of `acme`.
async fn revoke(core: &Core, subject: &str) {
    let revoke = v1::RevokeRequest {
        tenant: "acme".into(),
        revoked: Some(v1::revoke_request::Revoked::Subject(subject.into())),
        ..Default::default()
    };
    let revoke = request(revoke, Some(&service(&[Scope::Service])), None);
    core.access().revoke(revoke).await.expect("revoked");
}

/// How a stream ends.
async fn end<T>(mut stream: Streaming<T>) -> Result<Option<T>, Status> {
    let mut last = None;
    while let Some(frame) = stream.message().await? {
        last = Some(frame);
    }
    Ok(last)
}

#[tokio::test]
async fn who_is_no_member_any_more_is_told_so_and_hears_nothing_after_it() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    let job_id = job(&alice, &core, &project_id).await;
    alice.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("set");
    let jobs = watch_job(&core, &bob, &job_id).await;
    let project = watch_topic(&core, &bob, &format!("project:{project_id}")).await;
    let gone = v1::RemoveMemberRequest { project_id, user_id: "bob".into() };
    alice.sessions().remove_member(alice.ask(gone)).await.expect("removed");
    let Some(JobFrame::Closed(closed)) =
        end(jobs).await.expect("an end").and_then(|last| last.frame)
    else {
        panic!("a job's stream is closed")
    };
    assert_eq!(closed.reason(), v1::CloseReason::Revoked);
    let last = end(project).await.expect("an end").and_then(|last| last.frame);
    let Some(TopicFrame::Closed(closed)) = last else { panic!("a topic's stream is closed") };
    assert_eq!(closed.reason(), v1::CloseReason::Revoked);
}

#[tokio::test]
async fn who_is_shut_out_loses_every_stream() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let job_id = job(&alice, &core, "").await;
    let project_id = alice.project().await;
    let session_id = alice.session(&project_id).await;
    let jobs = watch_job(&core, &alice, &job_id).await;
    let own = watch_topic(&core, &alice, "user:alice").await;
    let session = alice.watch(&session_id).await.expect("a stream");
    let mut others = watch_topic(&core, &bob, "user:bob").await;
    revoke(&core, "alice").await;
    assert_eq!(refused(end(jobs).await), Code::TokenRevoked);
    assert_eq!(refused(end(own).await), Code::TokenRevoked);
    assert_eq!(refused(end(session).await), Code::TokenRevoked);
    for _ in 0..2 {
        let frame = others.message().await.expect("no error").and_then(|last| last.frame);
        let is_open = matches!(frame, Some(TopicFrame::Snapshot(_) | TopicFrame::CaughtUp(_)));
        assert!(is_open, "another's stream goes on: {frame:?}");
    }
    let (mut users, token) = (UserServiceClient::new(core.channel()), service(&[Scope::Service]));
    let put =
        v1::PutUserRequest { user_id: "bob".into(), tenant: "acme".into(), ..Default::default() };
    users.put_user(request(put, Some(&token), None)).await.expect("registered");
    let shut = v1::DisableUserRequest { user_id: "bob".into(), tenant: "acme".into() };
    users.disable_user(request(shut, Some(&token), None)).await.expect("disabled");
    assert_eq!(refused(end(others).await), Code::UserDisabled);
}

#[tokio::test]
async fn an_administrator_who_is_shut_out_gets_no_more_work() {
    let core = serve(|_, _| {}).await;
    let root = admin(&core, "root", "acme");
    let (worker_id, kinds) = ("w".to_owned(), vec!["x".to_owned()]);
    let hello = v1::WorkerHello { worker_id, kinds, slots: 1, ..Default::default() };
    let said = stream::iter([v1::WorkRequest { request: Some(Said::Hello(hello)) }]);
    let said = root.ask(said.chain(stream::pending()));
    let mut work = core.jobs().work(said).await.expect("a stream").into_inner();
    let first = work.message().await.expect("a message").and_then(|first| first.response);
    assert!(matches!(first, Some(Heard::Welcome(_))), "{first:?}");
    let lease = v1::LeaseJobsRequest {
        worker_id: "once".into(),
        kinds: vec!["x".into()],
        wait: Some(Duration { seconds: 30, nanos: 0 }),
        ..Default::default()
    };
    let mut jobs = core.jobs();
    let (leased, ()) = tokio::join!(jobs.lease_jobs(root.ask(lease)), revoke(&core, "root"));
    assert_eq!(refused(leased), Code::TokenRevoked);
    assert_eq!(refused(end(work).await), Code::TokenRevoked);
}
