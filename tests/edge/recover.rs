//! Connection state recovery as unmodified `socket.io-client`s have it, with what is known to go wrong
//! with it elsewhere (by the numbers of socket.io's issues).

use serde_json::{Value, json};

use crate::support::{
    Clients, Core, Edge, Observation, Rest, Socket, System, admin, eventually, lane_is_on, user,
};

const ROOM_EVENTS: &str = "/topics/room:open/events";

/// A system, and a client of it that recovers and has joined the room.
struct Scene {
    system: System,
    root: Rest,
    node: Clients,
    socket: Socket,
}

/// Nothing without lanes: then recovery is not offered.
async fn scene() -> Option<Scene> {
    if !lane_is_on() {
        return None;
    }
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let socket = joined(&node, &system.edge.url(), &json!(["websocket"])).await;
    Some(Scene { system, root, node, socket })
}

/// A socket that recovers and has joined the room.
async fn joined(node: &Clients, url: &str, transports: &Value) -> Socket {
    let options = json!({ "keep": true, "recover": true, "transports": transports });
    let socket = node.connect_with(url, Some(&user("ana")), options);
    socket.connected().await;
    let answer = socket.ask("join_room", &json!({ "room": "open" })).await;
    assert_eq!(answer["ok"], true, "{answer}");
    socket
}

async fn publish(root: &Rest, numbers: std::ops::Range<u64>) {
    for n in numbers {
        root.post(ROOM_EVENTS, &json!({ "type": "n", "data": { "n": n } })).await.ok(201);
    }
}

/// How often it connected, and how often it was recovered by that.
fn connects(socket: &Socket) -> (usize, usize) {
    let details: Vec<String> = socket
        .observations()
        .into_iter()
        .filter_map(|observation| match observation {
            Observation::State { state, detail } if state == "connect" => Some(detail),
            _ => None,
        })
        .collect();
    let recovered = details.iter().filter(|detail| detail.ends_with(" recovered")).count();
    (details.len(), recovered)
}

async fn comes_back(socket: &Socket, times: usize) {
    eventually("it comes back", async || (connects(socket).0 > times).then_some(())).await;
}

/// It has received exactly these, each once and in order.
async fn has_all(socket: &Socket, until: u64) {
    socket.event_where("n", |payload| payload["n"] == until - 1).await;
    let numbers = socket.events().into_iter().filter_map(|(_, payload)| payload["n"].as_u64());
    assert_eq!(numbers.collect::<Vec<_>>(), (0..until).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_recovered_over_every_transport_again_and_again() {
    let Some(Scene { system, root, node, .. }) = scene().await else { return };
    let mut published = 0;
    for transports in [json!(["websocket"]), json!(["polling"]), json!(["polling", "websocket"])] {
        let socket = joined(&node, &system.edge.url(), &transports).await;
        let first = published;
        // #4880: recovery works more than once. #5419: what was recovered is not recovered again.
        for round in 0..4 {
            socket.drop_connection(&json!({}));
            publish(&root, published..published + 3).await;
            published += 3;
            comes_back(&socket, round + 1).await;
            socket.event_where("n", |payload| payload["n"] == published - 1).await;
            if round == 2 {
                // Nothing happens between this and the next.
                socket.drop_connection(&json!({}));
                comes_back(&socket, round + 2).await;
                break;
            }
        }
        let numbers = socket.events().into_iter().filter_map(|(_, payload)| payload["n"].as_u64());
        assert_eq!(numbers.collect::<Vec<_>>(), (first..published).collect::<Vec<_>>());
        assert_eq!(connects(&socket), (5, 4), "{transports}");
        let told = eventually("every connection is greeted", async || {
            let greetings = socket.events().into_iter().filter(|(name, _)| name == "connected");
            let told: Vec<_> = greetings.map(|(_, payload)| payload["recovered"].clone()).collect();
            (told.len() == 5).then_some(told)
        })
        .await;
        assert_eq!(told, [false, true, true, true, true]);
        socket.disconnect();
    }
}

/// #4888, #5538: a client that got no event of its topics is recovered as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_got_no_event_is_recovered_with_all_it_had_joined() {
    let Some(Scene { system: _system, root, node: _node, socket }) = scene().await else { return };
    socket.drop_connection(&json!({}));
    comes_back(&socket, 1).await;
    socket.drop_connection(&json!({}));
    comes_back(&socket, 2).await;
    publish(&root, 0..3).await;
    has_all(&socket, 3).await;
    assert_eq!(connects(&socket), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_recovered_at_another_edge_and_after_restarts() {
    let Some(Scene { mut system, root, node: _node, socket }) = scene().await else { return };
    publish(&root, 0..3).await;
    has_all(&socket, 3).await;

    let other = Edge::start(&system.core).await;
    socket.drop_connection(&json!({ "url": other.url() }));
    publish(&root, 3..6).await;
    has_all(&socket, 6).await;

    system.edge.kill();
    system.edge.restart().await;
    socket.drop_connection(&json!({ "url": system.edge.url() }));
    publish(&system.edge.rest(&admin("root")), 6..9).await;
    has_all(&socket, 9).await;

    system.core.kill();
    system.core.restart().await;
    let root = other.rest(&admin("root"));
    eventually("the edge has a core again", async || {
        root.try_get("/readyz").await.filter(|answer| answer.status == 200)
    })
    .await;
    socket.drop_connection(&json!({ "url": other.url() }));
    comes_back(&socket, 3).await;
    publish(&root, 9..12).await;
    has_all(&socket, 12).await;
    assert_eq!(connects(&socket), (4, 3));
}

/// It is told no offset meanwhile that forgets its topics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_while_the_core_is_away_is_in_its_topics_once_it_is_back() {
    let Some(Scene { mut system, root, node: _node, socket }) = scene().await else { return };
    publish(&root, 0..3).await;
    has_all(&socket, 3).await;
    system.core.kill();
    for times in 1..=2 {
        socket.drop_connection(&json!({}));
        comes_back(&socket, times).await;
        eventually("it is greeted", async || {
            let greetings = socket.events().into_iter().filter(|(name, _)| name == "connected");
            (greetings.count() > times).then_some(())
        })
        .await;
    }
    system.core.restart().await;
    eventually("the edge has a core again", async || {
        root.try_get("/readyz").await.filter(|answer| answer.status == 200)
    })
    .await;
    publish(&root, 3..6).await;
    has_all(&socket, 6).await;
    assert_eq!(connects(&socket), (3, 0));
    assert!(!socket.events().iter().any(|(name, _)| name == "error"), "{:?}", socket.events());
    socket.drop_connection(&json!({}));
    comes_back(&socket, 3).await;
    publish(&root, 6..9).await;
    has_all(&socket, 9).await;
    assert_eq!(connects(&socket), (4, 1));
}

/// #5539: what a client takes for an offset and is none costs its recovery, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_that_is_none_of_ours_is_ignored() {
    let Some(Scene { system: _system, root, node: _node, socket }) = scene().await else { return };
    for (times, offset) in ["connected", "rc1~room:open~x~00000000", "rc1!"].iter().enumerate() {
        socket.drop_connection(&json!({ "offset": offset }));
        comes_back(&socket, times + 1).await;
    }
    assert_eq!(connects(&socket), (4, 0));
    assert_eq!(socket.ask("join_room", &json!({ "room": "open" })).await["ok"], true);
    publish(&root, 0..2).await;
    has_all(&socket, 2).await;
    socket.drop_connection(&json!({}));
    comes_back(&socket, 4).await;
    assert_eq!(connects(&socket), (5, 1), "a new one is as good as any");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_left_is_not_come_back_to() {
    let Some(Scene { system: _system, root, node: _node, socket }) = scene().await else { return };
    assert_eq!(socket.ask("leave_room", &json!({ "room": "open" })).await["ok"], true);
    socket.drop_connection(&json!({}));
    comes_back(&socket, 1).await;
    publish(&root, 0..1).await;
    assert_eq!(socket.ask("ping", &json!({})).await["ok"], true);
    assert_eq!(socket.ask("join_room", &json!({ "room": "open" })).await["ok"], true);
    publish(&root, 1..2).await;
    socket.event_where("n", |payload| payload["n"] == 1).await;
    assert_eq!(connects(&socket), (2, 1));
}

/// A `pid` and an offset are no right: they are worth nothing to whoever else shows them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_user_shows_of_a_connection_recovers_nothing() {
    let Some(Scene { system: _system, root, node: _node, socket }) = scene().await else { return };
    publish(&root, 0..2).await;
    has_all(&socket, 2).await;
    socket.drop_connection(&json!({ "token": user("bob") }));
    comes_back(&socket, 1).await;
    assert_eq!(connects(&socket), (2, 0));
    publish(&root, 2..3).await;
    assert_eq!(socket.ask("ping", &json!({})).await["ok"], true);
    assert_eq!(socket.ask("join_room", &json!({ "room": "open" })).await["ok"], true);
    socket.drop_connection(&json!({}));
    comes_back(&socket, 2).await;
    assert_eq!(connects(&socket), (3, 1), "what bob was in is bob's");
    let recoveries = socket.events().into_iter().filter(|(name, _)| name == "connected");
    let told: Vec<Value> = recoveries.map(|(_, payload)| payload["user_id"].clone()).collect();
    assert_eq!(told[..2], ["ana", "bob"]);
}

/// What is past its retention is not recovered in silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_away_for_longer_than_the_retention_is_told_of_a_reset() {
    if !lane_is_on() {
        return;
    }
    let core = Core::start_with(&["--retention", "room=events:5"]).await;
    let mut edge = Edge::start(&core).await;
    let root = Edge::start(&core).await;
    let (root, _other) = (root.rest(&admin("root")), root);
    let node = Clients::node().await;
    let socket = joined(&node, &edge.url(), &json!(["websocket"])).await;
    publish(&root, 0..3).await;
    has_all(&socket, 3).await;

    edge.kill();
    publish(&root, 3..30).await;
    eventually("what it has is past its retention", async || {
        let topic = root.get("/topics/room:open").await.ok(200);
        (topic["first_offset"].as_u64()? > 4).then_some(())
    })
    .await;
    edge.restart().await;
    comes_back(&socket, 1).await;
    let reset = socket.event("reset").await;
    assert_eq!((&reset["topic"], &reset["reason"]), (&json!("room:open"), &json!("trimmed")));
    let last = &reset["snapshot"]["events"][0];
    assert_eq!((&last["type"], &last["event_id"]), (&json!("n"), &last["data"]["event_id"]));
    assert!(last["data"]["n"].is_number(), "{reset}");
    publish(&root, 30..31).await;
    socket.event_where("n", |payload| payload["n"] == 30).await;
    assert_eq!(connects(&socket), (2, 0), "a reset is no recovery");
    socket.drop_connection(&json!({}));
    comes_back(&socket, 2).await;
    assert_eq!(connects(&socket), (3, 1));
}
