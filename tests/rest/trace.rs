//! A trace goes all the way: from the request that causes an event to the socket that gets it.

use serde_json::json;

use crate::support::recorder::publish_request;
use crate::support::{Answer, Caller, Clients, System, admin, user};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";

fn traceparent(trace: &str) -> String {
    format!("00-{trace}-00f067aa0ba902b7-01")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_a_rest_or_grpc_call_is_the_trace_of_its_event_at_the_socket() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let head = root.get("/topics/room:open").await.ok(200)["head"].clone();
    let options = json!({ "cursors": { "room:open": head } });
    let node = Clients::node().await;
    let socket = node.connect_with(&system.edge.url(), Some(&user("ana")), options);
    socket.event("connected").await;

    let request = root
        .request(reqwest::Method::POST, "/topics/room:open/events")
        .header("traceparent", traceparent(TRACE))
        .json(&json!({ "type": "by_rest", "data": {} }));
    assert_eq!(Answer::of(request).await.status, 201);
    assert_eq!(socket.event("by_rest").await["trace_id"], TRACE);

    let caller = Caller::service(&[roomcast_identity::Scope::Service]).traced(&traceparent(OTHER));
    let request = publish_request("room:open", "{}", "traced");
    caller.broadcast(system.core.channel()).publish(request).await.unwrap();
    assert_eq!(socket.event("measured").await["trace_id"], OTHER);

    let job = root
        .request(reqwest::Method::POST, "/jobs")
        .header("traceparent", traceparent(TRACE))
        .json(&json!({ "kind": "traced" }));
    assert_eq!(Answer::of(job).await.ok(201)["trace_id"], TRACE);
    let wrong = root
        .request(reqwest::Method::GET, "/jobs/nothing")
        .header("traceparent", traceparent(OTHER));
    assert_eq!(Answer::of(wrong).await.json()["trace_id"], OTHER, "a problem names it too");
}
