//! A client that names its topics when it comes waits for nothing: the edge asks the core for them until it
//! answers, and serves the socket meanwhile.

use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};

use crate::support::{Clients, Rest, System, admin, eventually, user};

const ROOM: &str = "room:open";
const ROOM_EVENTS: &str = "/topics/room:open/events";
/// Asked for one after the other, each for as long as an edge waits for an answer, they would keep a socket
/// for minutes.
const STRANGERS: usize = 30;

/// Answers the event's cursor.
async fn publish(root: &Rest, n: u64) -> Value {
    let event = json!({ "type": "n", "data": { "n": n } });
    root.post(ROOM_EVENTS, &event).await.ok(201)["cursor"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_served_while_the_core_stands_still_and_is_in_its_topics_after_that() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let cursor = publish(&root, 0).await;
    let mut cursors: Map<_, _> =
        (0..STRANGERS).map(|number| (format!("job:{number}"), cursor.clone())).collect();
    cursors.insert(ROOM.to_owned(), cursor);

    let node = Clients::node().await;

    system.core.process().signal(Signal::SIGSTOP);
    let options = json!({ "transports": ["websocket"], "cursors": cursors });
    let socket = node.connect_with(&system.edge.url(), Some(&user("ana")), options);
    socket.event("connected").await;
    assert_eq!(socket.ask("ping", &json!({})).await["ok"], true);
    // What it leaves before the core has answered is not joined later.
    assert_eq!(socket.ask("leave_job", &json!({ "job_id": "0" })).await["ok"], true);

    system.core.process().signal(Signal::SIGCONT);
    eventually("the edge has a core again", async || {
        root.try_get("/readyz").await.filter(|answer| answer.status == 200)
    })
    .await;
    publish(&root, 1).await;
    assert_eq!(socket.event("n").await["n"], 1);
    let refusals = eventually("all others are decided", async || {
        let refusals: Vec<_> =
            socket.events().into_iter().filter(|(name, _)| name == "error").collect();
        (refusals.len() >= STRANGERS - 1).then_some(refusals)
    })
    .await;
    assert_eq!(refusals.len(), STRANGERS - 1, "{refusals:?}");
    assert!(refusals.iter().all(|(_, error)| error["code"] == "job_not_found"), "{refusals:?}");
}
