//! A session of many nodes.

use roomcast_proto::v1;
use serde_json::json;

use super::{Core, execute, join, known, node, open_for, sessions, stored};
use crate::support::{Clients, System, eventually, user};

const NODES: usize = 6000;
/// Commands of one batch.
const BATCH: usize = 200;

/// A tree: each node below one of those before it.
async fn fill(core: &Core, session_id: &str) {
    let mut core = sessions(core);
    for first in (0..NODES).step_by(BATCH) {
        let create = |number: usize| {
            let parent_id = (number > 0).then(|| format!("node-{}", number / 7));
            let node = v1::Node {
                node_id: format!("node-{number}"),
                node_type: "box".to_owned(),
                name: format!("The node of number {number}"),
                parent_id: parent_id.unwrap_or_default(),
                properties: [("n".to_owned(), number.to_string())].into(),
            };
            let kind = v1::command::Kind::CreateNode(v1::CreateNode { node: Some(node) });
            v1::Command { kind: Some(kind) }
        };
        let commands = (first..first + BATCH).map(create).collect();
        let kind = Some(v1::command::Kind::Batch(v1::CommandBatch { commands }));
        let command = Some(v1::Command { kind });
        let session_id = session_id.to_owned();
        let wanted = v1::ExecuteCommandRequest { session_id, command, ..Default::default() };
        core.execute_command(wanted).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_session_comes_in_parts_that_all_who_join_share_and_events_follow() {
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana"]).await;
    fill(&system.core, &session_id).await;
    let clients = Clients::node().await;
    let (url, graph) = (system.edge.url(), format!("{}/graph", system.edge.url()));
    let transports = [
        (&url, json!(["websocket"])),
        (&graph, json!(["websocket"])),
        (&url, json!(["polling"])),
        (&graph, json!(["polling", "websocket"])),
    ];
    let mut sockets = Vec::new();
    for (url, transports) in transports.iter().cycle().take(12) {
        let auth = json!({ "session_id": session_id });
        let options = json!({ "transports": transports, "auth": auth });
        sockets.push(clients.connect_with(url, Some(&user("ana")), options));
    }
    let is_last = |state: &serde_json::Value| state["part"] == state["parts"];
    for socket in &sockets {
        let last = socket.event_where("session_state", is_last).await;
        assert!(last["parts"].as_u64() > Some(3), "{}", last["parts"]);
        assert!(last["cursor"].is_string());
        let parts = socket.events().into_iter().filter(|(name, _)| name == "session_state");
        let parts: Vec<_> = parts.map(|(_, part)| part).collect();
        assert_eq!(parts.len() as u64, last["parts"].as_u64().unwrap());
        assert!(parts.iter().rev().skip(1).all(|part| part.get("cursor").is_none()));
    }
    let fetched = system.edge.metric("roomcast_edge_session_states_total", "source=\"core\"").await;
    assert!(fetched < sockets.len() as f64, "{fetched} states for {} sockets", sockets.len());
    let first = &sockets[0];
    execute(first, &session_id, &node("last")).await;
    let stored = stored(&system.core, &session_id).await;
    for socket in &sockets {
        eventually("what it was told folds to the graph", async || {
            (known(socket).await == stored).then_some(())
        })
        .await;
    }
    let again = join(first, &session_id).await;
    assert_eq!(again["resumed"], false);
}
