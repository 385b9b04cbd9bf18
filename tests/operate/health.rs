//! `grpc.health.v1`, per service.

use tonic_health::pb::health_check_response::ServingStatus;

use crate::support::Core;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_says_for_itself_whether_it_serves() {
    let core = Core::start().await;
    let services = ["JobService", "BroadcastService", "SessionService"];
    let services = services.map(|name| format!("roomcast.v1.{name}"));
    for service in services.iter().map(String::as_str).chain([""]) {
        assert_eq!(core.health(service).await, Some(ServingStatus::Serving), "{service}");
    }
    assert_eq!(core.health("no.such.Service").await, None);
}
