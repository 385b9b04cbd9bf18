//! How many topics one socket joins.

use std::collections::BTreeMap;

use serde_json::json;

use super::system;
use crate::support::{Clients, user};

/// As many as docs/PROTOCOL.md says.
const TOPICS_MAX: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_joins_a_thousand_topics_beside_the_dashboard_and_no_more() {
    let rooms: Vec<String> = (0..=TOPICS_MAX).map(|number| format!("r{number}")).collect();
    let system = system(&rooms.join(",")).await;
    let node = Clients::node().await;
    let cursors = |count: usize| {
        let topics = rooms.iter().take(count).map(|room| (format!("room:{room}"), ""));
        json!({ "cursors": topics.collect::<BTreeMap<_, _>>(), "transports": ["websocket"] })
    };
    let token = user("ana");
    let refused = node.connect_with(&system.edge.url(), Some(&token), cursors(TOPICS_MAX + 1));
    assert!(refused.refused().await.starts_with("too_many_subscriptions"));

    let socket = node.connect_with(&system.edge.url(), Some(&token), cursors(TOPICS_MAX - 1));
    socket.connected().await;
    let join = async |number: usize| {
        socket.ask("join_room", &json!({ "room": format!("r{number}") })).await
    };
    assert_eq!(join(TOPICS_MAX - 1).await["ok"], true, "the thousandth");
    assert_eq!(join(TOPICS_MAX).await["error"]["code"], "too_many_subscriptions");
    assert_eq!(join(0).await["ok"], true, "one that it has joined");
    assert_eq!(socket.ask("leave_room", &json!({ "room": "r0" })).await["ok"], true);
    assert_eq!(join(TOPICS_MAX).await["ok"], true, "there is room again");
    assert_eq!(socket.ask("join_room", &json!({ "room": "dashboard" })).await["ok"], true);
}
