//! `grpc.health.v1`, per service, and what an edge says of its cores.

use serde_json::{Value, json};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::support::{Core, System, admin, eventually};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_says_what_it_knows_of_its_cores_and_keeps_their_addresses_to_itself() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let ask = async |status: u16, expected: Value| {
        eventually(&format!("the edge says {expected}"), async || {
            let answer = root.try_get("/readyz?verbose").await?;
            let said: Value = serde_json::from_str(&answer.text).ok()?;
            assert!(!answer.text.contains("http"), "{said}");
            (answer.status == status && said == expected).then_some(())
        })
        .await;
    };
    let core = |standing: &str| json!([{ "standing": standing, "home": true }]);
    let well = json!({ "status": "ok", "events": true, "rights": true, "bus": "up",
        "cores": core("serving") });
    ask(200, well.clone()).await;
    system.core.kill();
    let refusal = json!({ "part": "cores", "cause": "cores that do not answer: 1 of 1",
        "mend": "start a core, or mend the way to it: --core, --core-ca, the network; the edge's log \
                 has what each attempt failed with" });
    let lost = json!({ "status": "core_unavailable", "refusal": refusal, "events": false,
        "rights": false, "bus": "unknown", "cores": core("lost") });
    ask(503, lost).await;
    system.core.restart().await;
    ask(200, well).await;
}
