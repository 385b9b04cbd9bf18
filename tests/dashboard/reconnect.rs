//! A dashboard after a reconnect: nothing is lost and nothing comes twice.

use serde_json::json;

use super::{has_none_twice, has_number, numbers, publish, shown};
use crate::support::{Clients, Edge, Socket, System, admin, eventually, lane_is_on, user};

async fn comes_back(socket: &Socket, times: usize) {
    eventually("it comes back", async || (socket.times("connect") > times).then_some(())).await;
}

/// Numbers to two rooms.
async fn say(system: &System, numbers: std::ops::Range<u64>) {
    let root = system.edge.rest(&admin("root"));
    for n in numbers {
        for room in ["agents", "tasks"] {
            publish(&root, room, "n", &json!({ "n": n })).await;
        }
    }
}

async fn has_all(socket: &Socket, until: u64) {
    for room in ["agents", "tasks"] {
        has_number(socket, room, until - 1).await;
        assert_eq!(numbers(socket, room), (0..until).collect::<Vec<_>>(), "{room}");
    }
    has_none_twice(socket);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboard_goes_on_from_its_cursors_at_another_edge_and_after_restarts() {
    let mut system = System::start().await;
    let node = Clients::node().await;
    let options = json!({ "keep": true });
    let socket = shown(&node, &system, &user("ana"), &options).await;
    say(&system, 0..3).await;
    has_all(&socket, 3).await;

    let other = Edge::start(&system.core).await;
    socket.drop_connection(&json!({ "url": other.url() }));
    say(&system, 3..6).await;
    comes_back(&socket, 1).await;
    has_all(&socket, 6).await;
    say(&system, 6..8).await;
    has_all(&socket, 8).await;

    system.core.kill();
    system.core.restart().await;
    eventually("the edge has the core again", async || {
        let ready = system.edge.rest(&admin("root")).get("/readyz").await;
        (ready.status == 200).then_some(())
    })
    .await;
    say(&system, 8..10).await;
    has_all(&socket, 10).await;
    socket.drop_connection(&json!({ "url": system.edge.url() }));
    say(&system, 10..12).await;
    comes_back(&socket, 2).await;
    say(&system, 12..14).await;
    has_all(&socket, 14).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_joined_again_from_the_same_cursor_brings_nothing_twice() {
    let system = System::start().await;
    let node = Clients::node().await;
    let join = json!({
        "event": "join_room", "argument": { "room": "agents" }, "topic": "room:agents", "resume": "auth",
    });
    let options = json!({ "keep": true, "join": join, "transports": ["websocket"] });
    let socket = shown(&node, &system, &user("ana"), &options).await;
    say(&system, 0..3).await;
    has_all(&socket, 3).await;
    for round in 1..4 {
        // The page joins again what it was in, with the cursor that its handshake has shown already.
        let held = socket.events().into_iter().rev();
        let held =
            held.map(|(_, payload)| payload).find(|payload| payload["topic"] == "room:agents");
        let since = held.unwrap()["cursor"].clone();
        socket.drop_connection(&json!({}));
        say(&system, round * 3..round * 3 + 3).await;
        comes_back(&socket, usize::try_from(round).unwrap()).await;
        let again = json!({ "room": "agents", "since": since });
        let answer = socket.ask("join_room", &again).await;
        assert_eq!((&answer["ok"], &answer["resumed"]), (&json!(true), &json!(true)), "{answer}");
        has_all(&socket, round * 3 + 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_recovery_of_its_own_is_recovered_with_its_dashboard() {
    if !lane_is_on() {
        return;
    }
    let system = System::start().await;
    let node = Clients::node().await;
    let options = json!({ "keep": true, "recover": true, "transports": ["websocket"] });
    let socket = shown(&node, &system, &user("ana"), &options).await;
    say(&system, 0..3).await;
    has_all(&socket, 3).await;
    for round in 1..4 {
        socket.drop_connection(&json!({}));
        say(&system, round * 3..round * 3 + 3).await;
        comes_back(&socket, usize::try_from(round).unwrap()).await;
        has_all(&socket, round * 3 + 3).await;
    }
    let recovered = eventually("every connection is greeted", async || {
        let greeted = socket.events().into_iter().filter(|(name, _)| name == "connected");
        let told: Vec<_> = greeted.map(|(_, payload)| payload["recovered"].clone()).collect();
        (told.len() == 4).then_some(told)
    })
    .await;
    assert_eq!(recovered, [false, true, true, true]);
    let left = socket.ask("leave_room", &json!({ "room": "dashboard" })).await;
    assert_eq!(left["ok"], true);
    say(&system, 12..13).await;
    socket.ask("ping", &json!({})).await;
    assert!(!numbers(&socket, "agents").contains(&12), "it has left what it was shown");
}
