//! A user's stream lasts as long as the right to it.

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::user_service_client::UserServiceClient;
use roomcast_proto::v1::watch_job_response::Frame as JobFrame;
use roomcast_proto::v1::watch_topic_response::Frame as TopicFrame;
use tonic::{Status, Streaming};

use crate::core::{Core, refused, report, request, serve, service};
use crate::session::{User, someone};

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
    let token = service(&[Scope::Service]);
    let by_service = |message| request(message, Some(&token), None);
    let revoke = v1::RevokeRequest {
        tenant: "acme".into(),
        revoked: Some(v1::revoke_request::Revoked::Subject("alice".into())),
        ..Default::default()
    };
    core.access().revoke(by_service(revoke)).await.expect("revoked");
    assert_eq!(refused(end(jobs).await), Code::TokenRevoked);
    assert_eq!(refused(end(own).await), Code::TokenRevoked);
    assert_eq!(refused(end(session).await), Code::TokenRevoked);
    for _ in 0..2 {
        let frame = others.message().await.expect("no error").and_then(|last| last.frame);
        let is_open = matches!(frame, Some(TopicFrame::Snapshot(_) | TopicFrame::CaughtUp(_)));
        assert!(is_open, "another's stream goes on: {frame:?}");
    }
    let mut users = UserServiceClient::new(core.channel());
    let put =
        v1::PutUserRequest { user_id: "bob".into(), tenant: "acme".into(), ..Default::default() };
    users.put_user(request(put, Some(&token), None)).await.expect("registered");
    let shut = v1::DisableUserRequest { user_id: "bob".into(), tenant: "acme".into() };
    users.disable_user(request(shut, Some(&token), None)).await.expect("disabled");
    assert_eq!(refused(end(others).await), Code::UserDisabled);
}
