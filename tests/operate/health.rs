//! `grpc.health.v1`, per service.

use tonic_health::pb::health_check_response::ServingStatus;

use crate::support::Core;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_says_for_itself_whether_it_serves() {
    let core = Core::start().await;
    for service in ["", "roomcast.v1.JobService", "roomcast.v1.BroadcastService"] {
        assert_eq!(core.health(service).await, Some(ServingStatus::Serving), "{service}");
    }
    let unbuilt = core.health("roomcast.v1.SessionService").await;
    assert_eq!(unbuilt, Some(ServingStatus::NotServing));
    assert_eq!(core.health("no.such.Service").await, None);
}
