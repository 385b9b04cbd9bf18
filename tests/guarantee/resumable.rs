//! 5. Resumable.

use roomcast_proto::v1::WatchTopicRequest;
use roomcast_proto::v1::watch_topic_response::Frame;
use serde_json::json;

use crate::support::{Clients, Edge, Sse, System, admin, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumable_a_sockets_cursor_works_after_restarts_on_another_edge_and_over_every_transport()
{
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let head = root.get("/topics/room:open").await.ok(200)["head"].clone();
    let options = json!({ "cursors": { "room:open": head } });
    let (node, ana) = (Clients::node().await, user("ana"));
    let socket = node.connect_with(&system.edge.url(), Some(&ana), options);
    socket.event("connected").await;
    let events = "/topics/room:open/events";
    for n in 1..=3 {
        root.post(events, &json!({ "type": "n", "data": { "n": n } })).await.ok(201);
    }
    let seen = socket.event_where("n", |payload| payload["n"] == 1).await;
    let cursor = seen["cursor"].as_str().unwrap();

    system.core.kill();
    system.core.restart().await;
    let other = Edge::start(&system.core).await;
    let page = other.rest(&ana).get(&format!("{events}?since={cursor}")).await.ok(200);
    assert_eq!((&page["reset"], &page["events"][0]["data"]["n"]), (&json!(null), &json!(2)));
    let mut stream = Sse::open(&other.rest(&ana), events, Some(cursor)).await;
    assert_eq!(stream.next().await.unwrap().data["n"], 2);
    let options = json!({ "cursors": { "room:open": cursor } });
    let socket = node.connect_with(&other.url(), Some(&ana), options);
    socket.event_where("n", |payload| payload["n"] == 3).await;
    assert_eq!(socket.events()[1].1["n"], 2, "right after the greeting");
    let request = WatchTopicRequest {
        topic: "room:open".to_owned(),
        since: cursor.to_owned(),
        ..WatchTopicRequest::default()
    };
    let mut frames = system.core.broadcast().watch_topic(request).await.unwrap().into_inner();
    let first = frames.message().await.unwrap().unwrap().frame;
    assert!(matches!(first, Some(Frame::Event(ref event)) if event.offset == 2), "{first:?}");
}
