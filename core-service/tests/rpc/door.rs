//! The core's own door: who comes in, and what a user's token lets that user see.

use roomcast_core::Config;
use roomcast_identity::{Scope, Secret, User, mint_user};
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_runtime::settings::Unusable;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic_types::StatusExt as _;

use crate::core::{TTL, refused, report, request, serve, service, user};
use crate::pki::Pki;

#[tokio::test]
async fn nobody_comes_in_without_a_service_credential() {
    let core = serve(|_, _| {}).await;
    let mut jobs = core.jobs();
    let alice = user("alice", "default");
    let bare = jobs.create_job(request(report("x"), None, None)).await;
    assert_eq!(refused(bare), Code::ServiceCredentialRequired);
    let only_user = jobs.create_job(request(report("x"), None, Some(&alice))).await;
    assert_eq!(refused(only_user), Code::ServiceCredentialRequired);
    let forged = jobs.create_job(request(report("x"), Some(&alice), None)).await;
    let meant = forged.as_ref().unwrap_err().get_details_resource_info();
    assert_eq!(meant.expect("it says which credential").resource_type, "x-roomcast-service");
    assert_eq!(refused(forged), Code::TokenInvalid);
}

#[tokio::test]
async fn a_users_token_decides_what_that_user_sees() {
    let core = serve(|_, _| {}).await;
    let mut jobs = core.jobs();
    let edge = service(&[Scope::Edge]);
    let (alice, bob) = (user("alice", "default"), user("bob", "default"));
    let stranger = user("alice", "elsewhere");
    let created = jobs.create_job(request(report("x"), Some(&edge), Some(&alice))).await;
    let job = created.expect("created").into_inner().job.expect("a job");
    assert_eq!((job.owner.as_str(), job.tenant.as_str()), ("alice", "default"));
    let get = |token: &str| {
        let message = v1::GetJobRequest { job_id: job.job_id.clone() };
        request(message, Some(&edge), Some(token))
    };
    assert!(jobs.get_job(get(&alice)).await.is_ok());
    assert_eq!(refused(jobs.get_job(get(&bob)).await), Code::JobNotFound);
    assert_eq!(refused(jobs.get_job(get(&stranger)).await), Code::JobNotFound);
    let cancel = v1::CancelJobRequest { job_id: job.job_id.clone(), ..Default::default() };
    let cancelled = jobs.cancel_job(request(cancel, Some(&edge), Some(&bob))).await;
    assert_eq!(refused(cancelled), Code::JobNotFound);
    let list = v1::ListJobsRequest { owner: "alice".into(), ..Default::default() };
    let others = jobs.list_jobs(request(list, Some(&edge), Some(&bob))).await;
    assert_eq!(refused(others), Code::PermissionDenied);
    let for_alice = v1::CreateJobRequest { owner: "alice".into(), ..report("x") };
    let by_bob = jobs.create_job(request(for_alice.clone(), Some(&edge), Some(&bob))).await;
    assert_eq!(refused(by_bob), Code::PermissionDenied);
    assert!(jobs.create_job(request(for_alice, Some(&edge), Some(&alice))).await.is_ok());
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_as_such() {
    let cases: [fn(&mut Config); 6] = [
        |_| {},
        |config| config.bus = Some("redis://localhost".parse().expect("a bus")),
        |config| config.store_ca = Some("/nowhere/ca.pem".into()),
        |config| {
            config.store = Some("postgres://nobody@localhost/nothing".parse().expect("a store"));
            config.bus = Some("redis://localhost".parse().expect("a bus"));
            config.bus_ca = Some("/nowhere/ca.pem".into());
        },
        |config| config.jwks_url = Some("nowhere".into()),
        |config| {
            config.core_tls_cert = Some("/nowhere/cert.pem".into());
            config.core_tls_key = Some("/nowhere/key.pem".into());
        },
    ];
    for (number, adapt) in cases.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::development(folder.path().join("data"));
        config.dev = number > 0;
        adapt(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let ended = roomcast_core::serve(config, listener, CancellationToken::new()).await;
        let error = ended.expect_err("it cannot serve");
        assert!(error.is::<Unusable>(), "{error:#}");
    }
}

#[tokio::test]
async fn a_bad_or_expired_user_token_is_refused_whatever_the_service() {
    let core = serve(|_, _| {}).await;
    let mut jobs = core.jobs();
    let service = service(&[Scope::Admin]);
    let other = Secret::new("another-secret-another-secret-another").expect("long enough");
    let forged = mint_user(&other, &User::dev(), TTL).expect("a token");
    let answer = jobs.create_job(request(report("x"), Some(&service), Some(&forged))).await;
    assert_eq!(refused(answer), Code::TokenInvalid);
    let malformed = jobs.create_job(request(report("x"), Some(&service), Some("x.y"))).await;
    assert_eq!(refused(malformed), Code::TokenInvalid);
}

#[tokio::test]
async fn a_scope_opens_its_own_door_alone() {
    let core = serve(|_, _| {}).await;
    let mut jobs = core.jobs();
    let mut broadcast = core.broadcast();
    let (edge, worker) = (service(&[Scope::Edge]), service(&[Scope::Worker]));
    let lease = v1::LeaseJobsRequest {
        worker_id: "w".into(),
        kinds: vec!["x".into()],
        ..v1::LeaseJobsRequest::default()
    };
    assert!(jobs.lease_jobs(request(lease.clone(), Some(&worker), None)).await.is_ok());
    let by_edge = jobs.lease_jobs(request(lease, Some(&edge), None)).await;
    assert_eq!(refused(by_edge), Code::PermissionDenied);
    let publish = v1::PublishRequest {
        topic: "room:lobby".into(),
        event: Some(v1::NewEvent {
            r#type: "hello".into(),
            payload: Some(v1::Payload { data: "{}".into(), ..v1::Payload::default() }),
        }),
        ..v1::PublishRequest::default()
    };
    let by_worker = broadcast.publish(request(publish.clone(), Some(&worker), None)).await;
    assert_eq!(refused(by_worker), Code::PermissionDenied);
    let by_user =
        broadcast.publish(request(publish.clone(), Some(&edge), Some(&user("alice", "default"))));
    assert_eq!(refused(by_user.await), Code::PermissionDenied);
    let by_service = broadcast.publish(request(publish, Some(&service(&[Scope::Service])), None));
    assert!(by_service.await.is_ok());
}

#[tokio::test]
async fn an_edge_creates_nothing_in_its_own_name() {
    let core = serve(|_, _| {}).await;
    let edge = service(&[Scope::Edge]);
    let job = core.jobs().create_job(request(report("x"), Some(&edge), None)).await;
    assert_eq!(refused(job), Code::PermissionDenied);
    let project = v1::CreateProjectRequest { name: "p".into(), ..Default::default() };
    let project = core.sessions().create_project(request(project, Some(&edge), None)).await;
    assert_eq!(refused(project), Code::PermissionDenied);
}

#[tokio::test]
async fn a_topic_of_a_service_takes_no_publishing() {
    let core = serve(|_, _| {}).await;
    let mut broadcast = core.broadcast();
    let admin = service(&[Scope::Admin]);
    for topic in ["job:x", "session:x", "project:x"] {
        let publish = v1::PublishRequest { topic: topic.into(), ..v1::PublishRequest::default() };
        let answer = broadcast.publish(request(publish, Some(&admin), None)).await;
        assert_eq!(refused(answer), Code::TopicReserved, "{topic}");
    }
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_like_a_service_token() {
    let pki = Pki::new();
    let core = serve(|config, folder| pki.install(config, folder)).await;
    let mut known = JobServiceClient::new(pki.connect(&core, Some(pki.client())));
    let created = known.create_job(request(report("x"), None, None)).await;
    assert_eq!(created.expect("created").into_inner().job.expect("a job").owner, "certificate");
    let mut unknown = JobServiceClient::new(pki.connect(&core, None));
    let bare = unknown.create_job(request(report("x"), None, None)).await;
    assert_eq!(refused(bare), Code::ServiceCredentialRequired);
    let token = service(&[Scope::Service]);
    assert!(unknown.create_job(request(report("x"), Some(&token), None)).await.is_ok());
    let mut impostor = JobServiceClient::new(pki.connect(&core, Some(Pki::new().client())));
    assert!(impostor.create_job(request(report("x"), Some(&token), None)).await.is_err());
}
