//! Namespace `/graph` beside `/`: over one connection, over every transport, resumed and recovered.

use serde_json::{Value, json};

use super::{execute, join, known, node, open_for, stored};
use crate::support::{Clients, Core, Observation, Socket, System, eventually, lane_is_on, user};

async fn has(core: &Core, session_id: &str, socket: &Socket) {
    let stored = stored(core, session_id).await;
    eventually("it knows the graph as it stands", async || {
        (known(socket).await == stored).then_some(())
    })
    .await;
}

/// Ids of the nodes that it was told of by events, in the order of the events.
fn told(socket: &Socket) -> Vec<String> {
    let events = socket.events().into_iter();
    let ids = events.filter_map(|(name, payload)| {
        let id = payload["node_id"].as_str()?.to_owned();
        name.ends_with("node-created").then_some(id)
    });
    ids.collect()
}

fn ids(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("n{number}")).collect()
}

async fn create(socket: &Socket, session_id: &str, numbers: std::ops::Range<usize>) {
    for id in ids(numbers) {
        execute(socket, session_id, &node(&id)).await;
    }
}

async fn comes_back(socket: &Socket, times: usize) {
    eventually("it comes back", async || (socket.times("connect") > times).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_carries_both_each_with_its_names_and_acknowledgements() {
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana"]).await;
    let clients = Clients::node().await;
    for transports in [json!(["websocket"]), json!(["polling"]), json!(["polling", "websocket"])] {
        let options = json!({ "keep": true, "transports": transports });
        let root = clients.connect_with(&system.edge.url(), Some(&user("ana")), options);
        root.connected().await;
        let graph = root.over("/graph", Some(&user("ana")));
        graph.connected().await;
        join(&root, &session_id).await;
        join(&graph, &session_id).await;
        let id = transports.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let id = id.collect::<Vec<_>>().join("-");
        execute(&graph, &session_id, &node(&id)).await;
        let is_it = |event: &Value| event["node_id"] == id;
        let full = root.event_where("graph:node-created", is_it).await;
        assert_eq!(graph.event_where("node-created", is_it).await, full);
        has(&system.core, &session_id, &root).await;
        has(&system.core, &session_id, &graph).await;

        // Whoever leaves a namespace and comes in again does so without the other's noticing.
        graph.disconnect();
        let graph = root.over("/graph", Some(&user("ana")));
        graph.connected().await;
        join(&graph, &session_id).await;
        has(&system.core, &session_id, &graph).await;
        assert_eq!(root.times("disconnect"), 0);
        assert_eq!(root.ask("ping", &json!({})).await["ok"], true);

        root.drop_connection(&json!({}));
        root.state("disconnect").await;
        graph.state("disconnect").await;
        comes_back(&root, 1).await;
        comes_back(&graph, 1).await;
        assert_eq!(graph.ask("ping", &json!({})).await["ok"], true);
        root.disconnect();
        graph.disconnect();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_graph_goes_on_where_it_was_over_every_transport_and_after_an_edges_restart() {
    let mut system = System::start().await;
    let clients = Clients::node().await;
    for transports in [json!(["websocket"]), json!(["polling"]), json!(["polling", "websocket"])] {
        for resume in ["since", "auth"] {
            let (_, session_id) = open_for(&system.core, &["ana", "ben"]).await;
            let ben = clients.stay_connected(&system.edge.url(), Some(&user("ben")));
            ben.connected().await;
            let topic = format!("session:{session_id}");
            let argument = json!({ "session_id": session_id });
            let join = json!({
                "event": "join_session", "argument": argument, "topic": topic, "resume": resume,
            });
            let options = json!({
                "namespace": "/graph", "keep": true, "transports": transports, "join": join,
            });
            let ana = clients.connect_with(&system.edge.url(), Some(&user("ana")), options);
            ana.event("session_state").await;
            create(&ben, &session_id, 0..3).await;
            ana.drop_connection(&json!({}));
            create(&ben, &session_id, 3..6).await;
            comes_back(&ana, 1).await;
            if transports == json!(["websocket"]) {
                system.edge.kill();
                system.edge.restart().await;
                comes_back(&ben, 1).await;
            }
            create(&ben, &session_id, 6..9).await;
            has(&system.core, &session_id, &ana).await;
            assert_eq!(told(&ana), ids(0..9), "{transports} {resume}");
            let states = ana.events().into_iter().filter(|(name, _)| name == "session_state");
            assert_eq!(states.count(), 1, "it went on, and was not told again");
            ana.disconnect();
            ben.disconnect();
        }
    }
}

/// How often it was recovered.
fn recovered(socket: &Socket) -> usize {
    let is_recovery = |seen: &Observation| matches!(seen, Observation::State { state, detail } if state == "connect" && detail.ends_with(" recovered"));
    socket.observations().iter().filter(|seen| is_recovery(seen)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_namespace_of_a_connection_is_recovered_also_after_an_edges_restart() {
    if !lane_is_on() {
        return;
    }
    let mut system = System::start().await;
    let clients = Clients::node().await;
    for transports in [json!(["websocket"]), json!(["polling"]), json!(["polling", "websocket"])] {
        let (_, session_id) = open_for(&system.core, &["ana", "ben"]).await;
        let ben = clients.stay_connected(&system.edge.url(), Some(&user("ben")));
        ben.connected().await;
        let options = json!({ "keep": true, "recover": true, "transports": transports });
        let root = clients.connect_with(&system.edge.url(), Some(&user("ana")), options);
        root.connected().await;
        let over =
            json!({ "over": root.id(), "namespace": "/graph", "keep": true, "recover": true });
        let graph = clients.connect_with("", Some(&user("ana")), over);
        graph.connected().await;
        join(&root, &session_id).await;
        join(&graph, &session_id).await;
        create(&ben, &session_id, 0..3).await;
        root.drop_connection(&json!({}));
        create(&ben, &session_id, 3..6).await;
        comes_back(&graph, 1).await;
        comes_back(&root, 1).await;
        system.edge.kill();
        system.edge.restart().await;
        comes_back(&ben, 1).await;
        create(&ben, &session_id, 6..9).await;
        for socket in [&root, &graph] {
            has(&system.core, &session_id, socket).await;
            assert_eq!(told(socket), ids(0..9), "{transports}");
            assert_eq!((socket.times("connect"), recovered(socket)), (3, 2), "{transports}");
            socket.disconnect();
        }
        ben.disconnect();
    }
}
