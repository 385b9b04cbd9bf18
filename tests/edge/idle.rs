//! Who watches is never idle; who is in nothing and says nothing is.

use serde_json::json;

use crate::support::{Clients, Core, Edge, admin, eventually, user};

const ROOM_EVENTS: &str = "/topics/room:open/events";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_clients_are_disconnected_and_stay_away_and_a_silent_watcher_stays() {
    let core = Core::start().await;
    let edge = Edge::start_with(&core, &["--idle-seconds", "2", "--dashboard", "off"]).await;
    let root = edge.rest(&admin("root"));
    let libraries = [Clients::node().await, Clients::python().await];
    let [watcher, leaver] = [(); 2].map(|()| libraries[0].connect(&edge.url(), Some(&user("ana"))));
    for socket in [&watcher, &leaver] {
        socket.connected().await;
        assert_eq!(socket.ask("join_room", &json!({ "room": "open" })).await["ok"], true);
    }
    let idle = libraries.each_ref().map(|clients| {
        clients.connect_with(&edge.url(), Some(&user("ana")), json!({ "keep": true }))
    });
    for socket in &idle {
        socket.connected().await;
        assert_eq!(socket.event("closing").await["reason"], "idle");
        socket.state("disconnect").await;
    }
    assert_eq!(idle[0].state("disconnect").await, "io server disconnect");
    assert_eq!(leaver.ask("leave_room", &json!({ "room": "open" })).await["ok"], true);
    assert_eq!(leaver.event("closing").await["reason"], "idle");
    leaver.state("disconnect").await;

    // As long again as it took the others.
    root.post(ROOM_EVENTS, &json!({ "type": "n", "data": { "n": 1 } })).await.ok(201);
    watcher.event_where("n", |payload| payload["n"] == 1).await;
    assert_eq!(watcher.times("disconnect"), 0);
    eventually("it alone is left", async || {
        let health = root.get("/health").await.ok(200);
        (health["checks"]["socketio_manager"]["active_connections"] == 1).then_some(())
    })
    .await;
    for socket in &idle {
        assert_eq!(socket.times("connect"), 1, "who has no use for it does not come back");
    }
}
