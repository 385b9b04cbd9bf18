//! `/commands`: on a graph, back and forth, and what it refuses.

use serde_json::{Value, json};

use super::session::{execute, node, open};
use crate::support::{Rest, System, user};

/// The types of an answer's changes.
fn types(answer: &Value) -> Vec<&str> {
    let changes = answer["changes"].as_array().unwrap();
    changes.iter().map(|change| change["type"].as_str().unwrap()).collect()
}

async fn graph(rest: &Rest, session_id: &str) -> Value {
    rest.get(&format!("/sessions/{session_id}/graphs/main")).await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_changes_the_graph_and_is_undone_and_done_again() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let child = json!({
        "type": "create_node", "node_id": "b", "node_type": "box", "name": "B", "parent_id": "a",
        "properties": { "size": 2 },
    });
    let link = json!({ "type": "link_node", "parent_id": "c", "node_id": "b" });
    let unlink = json!({ "type": "unlink_node", "parent_id": "c", "node_id": "b" });
    let forget = json!({ "type": "delete_property", "node_id": "b", "key": "size" });
    let delete = json!({ "type": "delete_node", "node_id": "b" });
    let batch = json!({ "type": "batch", "commands": [unlink, forget, delete] });
    let (created, linked) = ("graph.node_created", "graph.node_linked");
    let (unlinked, deleted) = ("graph.node_unlinked", "graph.node_deleted");
    let mut states = vec![graph(&ana, &session_id).await];
    for (version, (command, expected)) in [
        (node("a"), vec![created]),
        (child, vec![created, linked]),
        (node("c"), vec![created]),
        (link, vec![linked]),
        (batch, vec![unlinked, "graph.property_deleted", unlinked, deleted]),
    ]
    .into_iter()
    .enumerate()
    {
        let done = execute(&ana, &session_id, command).await;
        assert_eq!((&done["version"], types(&done)), (&json!(version + 1), expected));
        states.push(graph(&ana, &session_id).await);
    }
    let content = |state: &Value| (state["nodes"].clone(), state["links"].clone());
    let step = json!({ "session_id": session_id });
    for before in states.iter().rev().skip(1) {
        ana.post("/commands/undo", &step).await.ok(200);
        assert_eq!(content(&graph(&ana, &session_id).await), content(before));
    }
    assert_eq!(ana.post("/commands/undo", &step).await.problem(), "nothing_to_undo");
    for after in &states[1..] {
        ana.post("/api/v1/commands/redo", &step).await.ok(200);
        assert_eq!(content(&graph(&ana, &session_id).await), content(after));
    }
    assert_eq!(ana.post("/commands/redo", &step).await.problem(), "nothing_to_redo");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_comes_back_byte_for_byte() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    execute(&ana, &session_id, node("a")).await;
    for value in [r#"{ "z":1.0,  "a":1e3,"é":"\u00e9" }"#, "99999999999999999999", "null", "0.10"]
    {
        let body = format!(
            r#"{{"session_id":"{session_id}","command":{{"type":"set_property","node_id":"a","key":"k","value":{value}}}}}"#
        );
        let done = ana.post_text("/commands/execute", body).await;
        done.ok(200);
        assert!(done.text.contains(&format!(r#""value":{value}"#)), "{}", done.text);
        let read = ana.get(&format!("/sessions/{session_id}/graphs/main")).await;
        assert!(read.text.contains(&format!(r#"{{"k":{value}}}"#)), "{}", read.text);
        let log = ana.get(&format!("/sessions/{session_id}/events?limit=1000")).await;
        assert!(log.text.contains(&format!(r#""value":{value}"#)), "{}", log.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_an_expected_version_make_repetition_and_races_harmless() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let body = json!({ "session_id": session_id, "command": node("a"), "expected_version": 0, "idempotency_key": "k" });
    let first = ana.post("/commands/execute", &body).await.ok(200);
    assert_eq!(ana.post("/commands/execute", &body).await.ok(200), first);
    let stale = json!({ "session_id": session_id, "command": node("b"), "expected_version": 0 });
    let refused = ana.post("/commands/execute", &stale).await;
    assert_eq!((refused.status, refused.problem()), (409, "version_conflict"));
    let stale = json!({ "session_id": session_id, "expected_version": 7 });
    assert_eq!(ana.post("/commands/undo", &stale).await.problem(), "version_conflict");
    let second = json!({ "session_id": session_id, "command": node("a"), "graph": "second" });
    assert_eq!(ana.post("/commands/execute", &second).await.ok(200)["version"], 1, "another graph");
    let undo = json!({ "session_id": session_id, "idempotency_key": "u" });
    let undone = ana.post("/commands/undo", &undo).await.ok(200);
    assert_eq!(undone["command_id"], first["command_id"]);
    assert_eq!(ana.post("/commands/undo", &undo).await.ok(200), undone, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_graph_or_the_edge_refuses_has_its_code_and_names_the_field() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let below = |node_id: &str, parent_id: &str| json!({ "type": "create_node", "node_id": node_id, "node_type": "box", "name": "", "parent_id": parent_id });
    for command in [node("a"), below("b", "a")] {
        execute(&ana, &session_id, command).await;
    }
    let link = |parent: &str, node: &str| json!({ "type": "link_node", "parent_id": parent, "node_id": node });
    let unlink = |parent: &str, node: &str| json!({ "type": "unlink_node", "parent_id": parent, "node_id": node });
    for (command, code) in [
        (node("a"), "node_exists"),
        (below("c", "nothing"), "node_not_found"),
        (link("b", "a"), "graph_cycle"),
        (link("a", "b"), "link_exists"),
        (unlink("b", "a"), "link_not_found"),
        (json!({ "type": "delete_node", "node_id": "a" }), "node_has_children"),
        (json!({ "type": "delete_property", "node_id": "a", "key": "k" }), "property_not_found"),
        (json!({ "type": "delete_node" }), "invalid_argument"),
        (json!({ "type": "delete_node", "node_id": "a b" }), "invalid_argument"),
        (json!({ "type": "batch", "commands": [] }), "invalid_argument"),
        (json!({ "type": "explode" }), "malformed_message"),
        (json!({ "node_id": "a" }), "malformed_message"),
        (json!("create_node"), "malformed_message"),
    ] {
        let body = json!({ "session_id": session_id, "command": command });
        let refused = ana.post("/commands/execute", &body).await;
        assert_eq!(refused.problem(), code, "{body}");
    }
    let nowhere = json!({ "session_id": "nothing", "command": node("a") });
    assert_eq!(ana.post("/commands/execute", &nowhere).await.problem(), "session_not_found");
    assert_eq!(ana.post("/commands/undo", &json!({})).await.problem(), "malformed_message");
    let log = ana.get(&format!("/sessions/{session_id}/events?types=command.failed")).await.ok(200);
    let failed = log["events"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[2]["data"]["error_code"]), (7, &json!("graph_cycle")));
    assert_eq!(graph(&ana, &session_id).await["version"], 2, "nothing of it changed anything");
}
