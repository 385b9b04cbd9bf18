//! A token's time on a live socket: warned of, renewed, enforced.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Clients, Sse, System, user, user_until};

/// The core takes a token so many seconds after its end: clocks differ.
const LEEWAY_S: i64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_is_warned_and_ends_when_its_tokens_time_is_over() {
    let system = System::start().await;
    let clients = Clients::node().await;
    let token = user_until("ana", 3 - LEEWAY_S);
    let socket = clients.connect(&system.edge.url(), Some(&token));
    let mut stream = Sse::open(&system.edge.rest(&token), "/topics/room:open/events", None).await;
    assert!(socket.event("token_expiring").await["expires_at"].is_string());
    assert_eq!(socket.event("closing").await["reason"], "token_expired");
    assert_eq!(socket.event("error").await["code"], "token_expired");
    socket.state("disconnect").await;
    let end = stream.until(|frame| frame.event == "closed").await.pop().unwrap();
    assert_eq!(end.data["reason"], "token_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_token_of_the_same_user_keeps_the_socket_and_what_it_joined() {
    let system = System::start().await;
    let clients = Clients::node().await;
    let short_lived = user_until("ana", 5 - LEEWAY_S);
    let until = Instant::now() + Duration::from_secs(6);
    let socket = clients.connect(&system.edge.url(), Some(&short_lived));
    socket.connected().await;
    assert_eq!(socket.ask("join_room", &json!({ "room": "open" })).await["ok"], true);
    let others = socket.ask("authenticate", &json!({ "token": user("bob") })).await;
    assert_eq!(others["error"]["code"], "token_mismatch");
    let bad = socket.ask("authenticate", &json!({ "token": "nonsense" })).await;
    assert_eq!(bad["error"]["code"], "token_invalid");
    let renewed = socket.ask("authenticate", &json!({ "token": user("ana") })).await;
    assert_eq!(renewed["ok"], true);
    assert!(renewed["expires_at"].is_string());

    let root = system.edge.rest(&crate::support::admin("root"));
    let mut spoken = 0;
    while Instant::now() < until {
        spoken += 1;
        let event = json!({ "type": "said", "data": { "number": spoken } });
        root.post("/topics/room:open/events", &event).await.ok(201);
        socket.event_where("said", |said| said["number"] == spoken).await;
    }
    assert_eq!(socket.times("disconnect"), 0);
}
