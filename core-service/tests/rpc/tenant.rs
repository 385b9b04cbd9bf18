//! What reaches over all tenants is for services: a user, whatever the role, is of one.

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::work_request::Request as Said;
use roomcast_proto::v1::work_response::Response as Heard;

use crate::core::{Core, refused, report, request, serve, service, user, user_with};

fn admin(tenant: &str) -> String {
    user_with("root", tenant, vec!["admin".into()])
}

/// The jobs that a user gets who asks for those of `tenant`, and waits so many seconds for the first.
async fn leased(core: &Core, user: &str, tenant: &str, seconds: i64) -> Vec<v1::Assignment> {
    let worker = service(&[Scope::Worker]);
    let lease = v1::LeaseJobsRequest {
        worker_id: "w".into(),
        kinds: vec!["x".into()],
        max_jobs: 9,
        tenant: tenant.into(),
        wait: Some(prost_types::Duration { seconds, nanos: 0 }),
    };
    let leased = core.jobs().lease_jobs(request(lease, Some(&worker), Some(user))).await;
    leased.expect("an answer").into_inner().assignments
}

#[tokio::test]
async fn an_administrator_works_for_the_own_tenant_alone() {
    let core = serve(|_, _| {}).await;
    let (worker, alice) = (service(&[Scope::Worker]), user("alice", "acme"));
    let created = core.jobs().create_job(request(report("x"), Some(&worker), Some(&alice))).await;
    created.expect("created");
    let (own, stranger) = (admin("acme"), admin("elsewhere"));
    for asked in ["", "acme"] {
        assert_eq!(leased(&core, &stranger, asked, 0).await, [], "asked for `{asked}`");
    }
    let given = leased(&core, &own, "", 10).await.pop().expect("the job");
    let (job_id, fence) = (given.job.expect("a job").job_id, given.fence);

    let held = vec![v1::Lease { job_id: job_id.clone(), fence }];
    let renew = v1::RenewLeasesRequest { held: held.clone() };
    let renew = |user: &str| request(renew.clone(), Some(&worker), Some(user));
    let kept = core.jobs().renew_leases(renew(&own)).await.expect("an answer").into_inner();
    assert_eq!(kept.lost, []);
    let lost = core.jobs().renew_leases(renew(&stranger)).await.expect("an answer").into_inner();
    assert_eq!(lost.lost.len(), 1);

    let news = v1::Report { job_id: job_id.clone(), fence, number: 1, ..Default::default() };
    let message = v1::ReportJobRequest { report: Some(news.clone()) };
    let told = |user: &str| request(message.clone(), Some(&worker), Some(user));
    assert_eq!(refused(core.jobs().report_job(told(&stranger)).await), Code::JobNotFound);

    let hello = v1::WorkerHello {
        worker_id: "w".into(),
        kinds: vec!["x".into()],
        slots: 1,
        tenant: "acme".into(),
        held,
    };
    let said = [Said::Hello(hello), Said::Report(news.clone())];
    let said = said.map(|said| v1::WorkRequest { request: Some(said) });
    let said = futures::StreamExt::chain(
        futures::stream::iter(said),
        futures::stream::pending::<v1::WorkRequest>(),
    );
    let stream = core.jobs().work(request(said, Some(&worker), Some(&stranger))).await;
    let mut stream = stream.expect("a stream").into_inner();
    let mut heard = Vec::new();
    for _ in 0..3 {
        let message = stream.message().await.expect("a message").expect("not the end");
        heard.push(message.response.expect("a word"));
    }
    let is_lost = matches!(heard[..], [Heard::Welcome(_), Heard::Lost(_), Heard::Lost(_)]);
    assert!(is_lost, "what it says it held, and what it reports: {heard:?}");
    core.jobs().report_job(told(&own)).await.expect("taken");
}

#[tokio::test]
async fn a_tenant_is_a_text_that_every_store_keeps() {
    let core = serve(|_, _| {}).await;
    let token = service(&[Scope::Service, Scope::Worker]);
    for tenant in ["a\0b".to_owned(), "a".repeat(257)] {
        let make = v1::CreateProjectRequest {
            name: "p".into(),
            tenant: tenant.clone(),
            ..Default::default()
        };
        let made = core.sessions().create_project(request(make, Some(&token), None)).await;
        assert_eq!(refused(made), Code::InvalidArgument);
        let list = v1::ListProjectsRequest { tenant: tenant.clone(), ..Default::default() };
        let listed = core.sessions().list_projects(request(list, Some(&token), None)).await;
        assert_eq!(refused(listed), Code::InvalidArgument);
        let (worker_id, kinds) = ("w".to_owned(), vec!["x".to_owned()]);
        let hello = v1::WorkerHello { worker_id, kinds, slots: 1, tenant, ..Default::default() };
        let said = futures::stream::iter([v1::WorkRequest { request: Some(Said::Hello(hello)) }]);
        let heard = core.jobs().work(request(said, Some(&token), None)).await.expect("a stream");
        assert_eq!(refused(heard.into_inner().message().await), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn no_user_follows_what_edges_follow() {
    let core = serve(|_, _| {}).await;
    let (edge, root) = (service(&[Scope::Edge]), admin("acme"));
    let said = |open| futures::stream::iter([v1::SubscribeRequest { request: Some(open) }]);
    let open = v1::subscribe_request::Request::Open(v1::Open::default());
    let subscribe = request(said(open), Some(&edge), Some(&root));
    let subscribed = core.broadcast().subscribe(subscribe).await;
    assert_eq!(refused(subscribed.map(drop)), Code::PermissionDenied);
    let watch = request(v1::WatchAccessRequest::default(), Some(&edge), Some(&root));
    let watched = core.access().watch_access(watch).await;
    assert_eq!(refused(watched.map(drop)), Code::PermissionDenied);
    let announce = v1::AnnouncePresenceRequest { edge_id: "e".into(), ..Default::default() };
    let announce = request(announce, Some(&edge), Some(&root));
    let announced = core.sessions().announce_presence(announce).await;
    assert_eq!(refused(announced), Code::PermissionDenied);
    let watch = request(v1::WatchAccessRequest::default(), Some(&edge), None);
    core.access().watch_access(watch).await.expect("an edge in its own name");
}
