//! What every socket is shown.

use roomcast_proto::dashboard::VIEWED;
use roomcast_proto::v1::RecheckGrantsRequest;
use serde_json::json;

use super::{has_none_twice, has_number, is_shown, numbers, publish, shown, system};
use crate::support::{
    Caller, Clients, Edge, Rest, Socket, System, admin, eventually, user, user_with_role,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_socket_is_shown_the_dashboard_over_every_transport_and_each_event_once() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let (node, python) = (Clients::node().await, Clients::python().await);
    let mut sockets = Vec::new();
    for transports in [json!(["websocket"]), json!(["polling"]), json!(["polling", "websocket"])] {
        let options = json!({ "transports": transports });
        sockets.push(shown(&node, &system, &user("ana"), &options).await);
        sockets.push(shown(&python, &system, &user("bob"), &options).await);
    }
    for n in 0..20 {
        for room in VIEWED {
            publish(&root, room, "n", &json!({ "n": n })).await;
        }
        publish(&root, "admin", "n", &json!({ "n": n })).await;
    }
    for socket in &sockets {
        for room in VIEWED {
            has_number(socket, room, 19).await;
            assert_eq!(numbers(socket, room), (0..20).collect::<Vec<_>>(), "{room}");
        }
        assert_eq!(numbers(socket, "admin"), [0; 0]);
        has_none_twice(socket);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_joined_both_ways_is_delivered_once_and_until_the_last_leave() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let first = shown(&node, &system, &user("ana"), &json!({})).await;
    let second = shown(&node, &system, &user("bob"), &json!({})).await;
    let publishing = tokio::spawn({
        let root = root.clone();
        async move {
            for n in 0..200 {
                publish(&root, "agents", "n", &json!({ "n": n })).await;
            }
        }
    });
    // Joining while events come: the same socket in both ways, again and again.
    for room in ["agents", "dashboard", "agents", "agents", "dashboard"] {
        let answer = first.ask("join_room", &json!({ "room": room })).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
    publishing.await.unwrap();
    for socket in [&first, &second] {
        has_number(socket, "agents", 199).await;
    }
    has_none_twice(&second);
    assert_eq!(numbers(&second, "agents"), (0..200).collect::<Vec<_>>());
    let got = numbers(&first, "agents");
    assert!(got.windows(2).all(|pair| pair[0] <= pair[1]), "none after a newer one: {got:?}");

    leave(&first, "dashboard").await;
    second.ask("join_room", &json!({ "room": "agents" })).await;
    leave(&second, "agents").await;
    for room in ["tasks", "agents"] {
        publish(&root, room, "n", &json!({ "n": 200 })).await;
    }
    has_number(&first, "agents", 200).await;
    has_number(&second, "agents", 200).await;
    has_number(&second, "tasks", 200).await;
    leave(&first, "agents").await;
    leave(&second, "dashboard").await;
    for room in ["tasks", "agents"] {
        publish(&root, room, "n", &json!({ "n": 201 })).await;
    }
    // What is answered afterwards comes after all that was delivered before.
    for socket in [&first, &second] {
        socket.ask("ping", &json!({})).await;
        assert!(!numbers(socket, "agents").contains(&201), "it has left");
    }
    assert!(!numbers(&first, "tasks").contains(&200), "it had left the dashboard");
    assert!(!numbers(&second, "tasks").contains(&201), "it has left the dashboard");
}

async fn leave(socket: &Socket, room: &str) {
    let answer = socket.ask("leave_room", &json!({ "room": room })).await;
    assert_eq!(answer, json!({ "ok": true }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_and_an_edge_may_do_without_and_the_dashboard_is_joined_by_its_name() {
    let system = System::start().await;
    let plain = Edge::start_with(&system.core, &["--dashboard", "off"]).await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let declines = json!({ "auth": { "dashboard": false } });
    let sockets = [
        node.connect_with(&system.edge.url(), Some(&user("ana")), declines),
        node.connect(&plain.url(), Some(&user("ana"))),
        node.connect_with(&system.edge.url(), Some(&user("ana")), json!({ "namespace": "/graph" })),
    ];
    for socket in &sockets {
        socket.connected().await;
        socket.ask("ping", &json!({})).await;
    }
    let listed = root.get("/connections").await.ok(200);
    for connection in listed["connections"].as_array().unwrap() {
        assert_eq!(connection["topics"], json!([]), "{connection}");
    }
    for socket in &sockets[..2] {
        let answer = socket.ask("join_room", &json!({ "room": "dashboard" })).await;
        assert_eq!((&answer["ok"], &answer["topic"]), (&json!(true), &json!("room:dashboard")));
        let rooms = answer["rooms"].as_array().unwrap();
        let rooms: Vec<_> = rooms.iter().filter_map(|room| room["topic"].as_str()).collect();
        assert_eq!(rooms, VIEWED.map(|room| format!("room:{room}")));
        is_shown(socket, &root, &VIEWED).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_room_is_joined_by_administrators_alone() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let plain = shown(&node, &system, &user("ana"), &json!({})).await;
    let refused = plain.ask("join_room", &json!({ "room": "admin" })).await;
    assert_eq!(refused["error"]["code"], "topic_not_found", "{refused}");
    let operator = shown(&node, &system, &admin("root"), &json!({})).await;
    publish(&root, "admin", "n", &json!({ "n": 0 })).await;
    let joined = operator.ask("join_room", &json!({ "room": "admin" })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    publish(&root, "admin", "n", &json!({ "n": 1 })).await;
    has_number(&operator, "admin", 1).await;
    assert_eq!(numbers(&plain, "admin"), [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_rooms_that_a_user_may_read_are_shown_and_a_right_that_is_lost_ends_them() {
    let mut system = system(r#"tasks.read = ["role:planner"]"#).await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let plain = node.connect(&system.edge.url(), Some(&user("ana")));
    plain.connected().await;
    is_shown(&plain, &root, &["agents", "metrics", "workflows", "system"]).await;
    let planner = user_with_role("pia", "planner");
    let planner = shown(&node, &system, &planner, &json!({})).await;
    publish(&root, "tasks", "n", &json!({ "n": 0 })).await;
    has_number(&planner, "tasks", 0).await;

    // Asked anew, it has them as before.
    let recheck = RecheckGrantsRequest { topic: "room:tasks".to_owned(), ..Default::default() };
    let mut access = Caller::user(&admin("root")).access(system.core.channel());
    access.recheck_grants(recheck).await.unwrap();
    publish(&root, "tasks", "n", &json!({ "n": 1 })).await;
    has_number(&planner, "tasks", 1).await;

    system.core.kill();
    system.core.restart_with(&["--rooms", r#"tasks.read = ["role:chief"]"#]).await;
    let told = planner.event("error").await;
    assert_eq!(told["code"], "topic_not_found", "{told}");
    is_shown(&planner, &root, &["agents", "metrics", "workflows", "system"]).await;
    publish(&root, "tasks", "n", &json!({ "n": 2 })).await;
    planner.ask("ping", &json!({})).await;
    assert_eq!(numbers(&planner, "tasks"), [0, 1]);
    assert_eq!(numbers(&plain, "tasks"), [0; 0]);
    has_none_twice(&planner);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_the_core_is_away_is_shown_the_dashboard_when_it_is_back() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let before = shown(&node, &system, &user("ana"), &json!({})).await;
    system.core.kill();
    let meanwhile = node.connect(&system.edge.url(), Some(&user("bob")));
    meanwhile.connected().await;
    system.core.restart().await;
    eventually("the edge has the core again", async || {
        root.get("/readyz").await.status.eq(&200).then_some(())
    })
    .await;
    eventually("it is shown the dashboard", async || {
        publish(&root, "agents", "n", &json!({ "n": 0 })).await;
        (!numbers(&meanwhile, "agents").is_empty()).then_some(())
    })
    .await;
    for socket in [&before, &meanwhile] {
        is_shown(socket, &root, &VIEWED).await;
        has_none_twice(socket);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_connects_asks_the_core_for_no_room_by_itself() {
    let system = System::start().await;
    let root: Rest = system.edge.rest(&admin("root"));
    publish(&root, "agents", "n", &json!({ "n": 0 })).await;
    let node = Clients::node().await;
    let options = json!({ "transports": ["websocket"] });
    let crowd: Vec<Socket> = (0..100)
        .map(|_| node.connect_with(&system.edge.url(), Some(&user("ana")), options.clone()))
        .collect();
    for socket in &crowd {
        has_number(socket, "agents", 0).await;
    }
    let (joins, glances) = (
        system.edge.metric("roomcast_edge_joins_total", "").await,
        system.edge.metric("roomcast_edge_glances_total", "").await,
    );
    assert_eq!(joins, 0.0);
    assert!(glances < 100.0, "five rooms, each once a second: {glances}");
    publish(&root, "agents", "n", &json!({ "n": 1 })).await;
    for socket in &crowd {
        has_number(socket, "agents", 1).await;
        assert_eq!(numbers(socket, "agents"), [0, 1]);
    }
}
