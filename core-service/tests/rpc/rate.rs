//! How often somebody may call.

use std::time::{Duration, Instant};

use roomcast_core::auth::SERVICE_SHARES;
use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use tokio::time::sleep;
use tonic::Status;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::core::{Core, request, serve, service, user};

const BURST: u32 = 3;
/// Far more than any burst: whoever is not limited by then is not limited.
const TRIES: u32 = 1000;
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_user_who_calls_too_often_waits_and_nobody_else_does() {
    let core = limited().await;
    let mut jobs = core.jobs();
    let (ana, bob) = (user("ana", "default"), user("bob", "default"));
    let edge = service(&[Scope::Edge]);
    let (status, passed) = refused(&mut jobs, &edge, Some(&ana)).await;
    assert!(passed >= BURST, "{passed}");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert_eq!(Code::of(&status), Code::RateLimited);
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let wait = wait.expect("a time to wait");
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert!(list(&mut jobs, &edge, Some(&bob)).await.is_ok());
    assert!(list(&mut jobs, &edge, Some(&user("ana", "elsewhere"))).await.is_ok());
    let begin = Instant::now();
    while list(&mut jobs, &edge, Some(&ana)).await.is_err() {
        assert!(begin.elapsed() < PATIENCE, "still limited");
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn opening_a_stream_counts_and_asking_for_health_does_not() {
    let core = limited().await;
    let (edge, ana) = (service(&[Scope::Edge]), user("ana", "default"));
    refused(&mut core.jobs(), &edge, Some(&ana)).await;
    let mut broadcast = core.broadcast();
    let mut outcome = None;
    for _ in 0..TRIES {
        let message = v1::WatchTopicRequest { topic: "user:ana".into(), ..Default::default() };
        outcome = broadcast.watch_topic(request(message, Some(&edge), Some(&ana))).await.err();
        if outcome.is_some() {
            break;
        }
    }
    assert_eq!(outcome.as_ref().map(Code::of), Some(Code::RateLimited));
    let channel = tonic::transport::Endpoint::from_shared(core.url.clone()).expect("a url");
    let mut health = HealthClient::new(channel.connect_lazy());
    for _ in 0..10 * BURST * SERVICE_SHARES {
        health.check(HealthCheckRequest::default()).await.expect("an answer");
    }
}

#[tokio::test]
async fn a_service_stands_for_many_users() {
    let core = limited().await;
    let worker = service(&[Scope::Service]);
    let (status, passed) = refused(&mut core.jobs(), &worker, None).await;
    assert_eq!(Code::of(&status), Code::RateLimited);
    assert!(passed >= BURST * SERVICE_SHARES, "{passed}");
}

async fn limited() -> Core {
    serve(|config, _| {
        config.requests_per_second = 1;
        config.requests_burst = BURST;
    })
    .await
}

async fn list(
    jobs: &mut JobServiceClient<Channel>,
    service: &str,
    user: Option<&str>,
) -> Result<(), Status> {
    let message = v1::ListJobsRequest::default();
    jobs.list_jobs(request(message, Some(service), user)).await.map(|_| ())
}

/// Calls until it is refused; and how often it was not.
async fn refused(
    jobs: &mut JobServiceClient<Channel>,
    service: &str,
    user: Option<&str>,
) -> (Status, u32) {
    for passed in 0..TRIES {
        if let Err(status) = list(jobs, service, user).await {
            return (status, passed);
        }
    }
    panic!("not refused in {TRIES} tries");
}
