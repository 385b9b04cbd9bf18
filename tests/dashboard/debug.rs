//! The routes that are there in development alone.

use reqwest::Method;
use serde_json::json;

use super::{is_shown, shown};
use crate::support::{Answer, Clients, Edge, Rest, System, admin, admin_of, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_no_debug_routes_outside_of_development() {
    let system = System::start().await;
    for token in [admin("root"), user("ana")] {
        let rest = system.edge.rest(&token);
        let nothing = json!({});
        assert_eq!(rest.get("/debug/socketio").await.problem(), "route_not_found");
        let answer = rest.post("/debug/socketio/broadcast", &nothing).await;
        assert_eq!(answer.problem(), "route_not_found");
    }
    let nobody = Rest::new(&system.edge.url(), None);
    assert_eq!(nobody.get("/debug/socketio").await.problem(), "route_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_an_administrator_sees_the_sockets_and_sends_them_a_message() {
    let mut system = System::start().await;
    system.edge = Edge::start_with(&system.core, &["--dev"]).await;
    let node = Clients::node().await;
    let root = system.edge.rest(&admin("root"));
    let socket = shown(&node, &system, &user("ana"), &json!({})).await;
    socket.ask("join_room", &json!({ "room": "open" })).await;
    let seen = root.get("/debug/socketio").await.ok(200);
    assert_eq!(seen["active_connections"], 1);
    assert_eq!(seen["rooms"], json!({ "room:dashboard": 1, "room:open": 1 }));
    let foreign = system.edge.rest(&admin_of("other", "root"));
    assert_eq!(foreign.get("/debug/socketio").await.ok(200)["active_connections"], 0);

    let bare = root.request(Method::POST, "/debug/socketio/broadcast");
    let sent = Answer::of(bare).await.ok(200);
    let got = socket.event("debug_broadcast").await;
    assert_eq!((&got["event_id"], &got["room"]), (&sent["event_id"], &json!("system")));
    let own = json!({ "room": "open", "event": "hello", "data": { "x": 1 } });
    root.post("/debug/socketio/broadcast", &own).await.ok(200);
    assert_eq!(socket.event("hello").await["x"], 1);
    is_shown(&socket, &root, &["agents"]).await;

    let ana = system.edge.rest(&user("ana"));
    assert_eq!(ana.get("/debug/socketio").await.problem(), "permission_denied");
    let answer = ana.post("/debug/socketio/broadcast", &json!({})).await;
    assert_eq!(answer.problem(), "permission_denied");
}
