//! `/sessions`: their life, their graphs and saves, their events.

use serde_json::{Value, json};

use crate::support::{Rest, Sse, System, user};

/// A session of a new project, and the project.
pub(super) async fn open(rest: &Rest) -> (String, String) {
    let project = rest.post("/projects", &json!({ "name": "p" })).await.ok(201);
    let project = project["id"].as_str().unwrap().to_owned();
    let path = format!("/projects/{project}/sessions");
    let made = rest.request(reqwest::Method::POST, &path);
    let session = crate::support::Answer::of(made).await.ok(201);
    assert_eq!(session["project_id"], json!(project));
    (session["session_id"].as_str().unwrap().to_owned(), project)
}

/// A command that is done; answers what came of it.
pub(super) async fn execute(rest: &Rest, session_id: &str, command: Value) -> Value {
    let body = json!({ "session_id": session_id, "command": command });
    rest.post("/commands/execute", &body).await.ok(200)
}

pub(super) fn node(node_id: &str) -> Value {
    json!({ "type": "create_node", "node_id": node_id, "node_type": "box", "name": node_id })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lives_its_whole_life_over_rest() {
    let system = System::start().await;
    let (ana, eve) = (system.edge.rest(&user("ana")), system.edge.rest(&user("eve")));
    let (session_id, project_id) = open(&ana).await;
    let path = format!("/sessions/{session_id}");
    let sessions = format!("/projects/{project_id}/sessions");
    let named = json!({ "name": "second", "idempotency_key": "k" });
    let second = ana.post(&sessions, &named).await.ok(201);
    assert_eq!(ana.post(&sessions, &named).await.ok(201)["session_id"], second["session_id"]);
    let listed = ana.get(&format!("{sessions}?limit=1")).await.ok(200);
    assert_eq!(listed["sessions"][0]["name"], "second");
    let token = listed["next_page_token"].as_str().unwrap();
    let rest = ana.get(&format!("{sessions}?page_token={token}")).await.ok(200);
    assert_eq!(
        (&rest["sessions"][0]["session_id"], &rest["next_page_token"]),
        (&json!(session_id), &json!(null))
    );

    execute(&ana, &session_id, node("a")).await;
    let session = ana.get(&path).await.ok(200);
    assert_eq!((&session["closed"], &session["participant_count"]), (&json!(false), &json!(0)));
    let main =
        json!({ "name": "main", "version": 1, "node_count": 1, "undoable": 1, "redoable": 0 });
    assert_eq!(session["graphs"], json!([main]));
    let there = ana.get(&format!("{path}/participants")).await.ok(200);
    assert_eq!((&there["participants"], &there["participant_count"]), (&json!([]), &json!(0)));
    for part in ["", "/participants", "/graphs/main", "/saves", "/events"] {
        assert_eq!(
            eve.get(&format!("{path}{part}")).await.problem(),
            "session_not_found",
            "{part}"
        );
    }
    assert_eq!(ana.get(&format!("{path}/graphs/other")).await.problem(), "graph_not_found");
    assert_eq!(ana.get("/sessions/nothing").await.problem(), "session_not_found");

    let close = format!("{path}/close");
    assert_eq!(eve.post(&close, &json!({})).await.problem(), "session_not_found");
    let closed = ana.post(&close, &json!({})).await.ok(200);
    assert!(closed["closed"] == true && closed["closed_at"].is_string(), "{closed}");
    ana.post(&close, &json!({})).await.ok(200);
    let late = json!({ "session_id": session_id, "command": node("late") });
    assert_eq!(ana.post("/commands/execute", &late).await.problem(), "session_closed");
    assert_eq!(ana.get(&format!("{path}/graphs/main")).await.ok(200)["nodes"][0]["node_id"], "a");

    assert_eq!(ana.delete(&format!("/projects/{project_id}")).await.status, 204);
    for part in ["", "/graphs/main", "/events"] {
        assert_eq!(
            ana.get(&format!("{path}{part}")).await.problem(),
            "session_not_found",
            "{part}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graph_is_saved_in_versions_and_loaded_again() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let path = format!("/sessions/{session_id}");
    let keep = async |part: &str, body: Value| ana.post(&format!("{path}/{part}"), &body).await;
    execute(&ana, &session_id, node("a")).await;
    let first = keep("save", json!({ "name": "draft", "idempotency_key": "k" })).await.ok(200);
    assert_eq!((&first["version"], &first["graph_version"]), (&json!(1), &json!(1)));
    let again = keep("save", json!({ "name": "draft", "idempotency_key": "k" })).await.ok(200);
    assert_eq!(again, first, "the same key");
    execute(&ana, &session_id, node("b")).await;
    assert_eq!(keep("save", json!({ "name": "draft" })).await.ok(200)["version"], 2);
    let saves = ana.get(&format!("{path}/saves")).await.ok(200);
    let versions: Vec<_> =
        saves["saves"].as_array().unwrap().iter().map(|save| &save["version"]).collect();
    assert_eq!(json!(versions), json!([2, 1]));
    assert_eq!(
        (&saves["saves"][1]["node_count"], &saves["saves"][1]["user_id"]),
        (&json!(1), &json!("ana"))
    );

    let loaded = keep("load", json!({ "name": "draft", "version": 1 })).await.ok(200);
    assert_eq!((&loaded["version"], &loaded["graph_version"]), (&json!(1), &json!(3)));
    let graph = ana.get(&format!("{path}/graphs/main")).await.ok(200);
    assert_eq!((graph["nodes"].as_array().unwrap().len(), &graph["undoable"]), (1, &json!(0)));
    assert_eq!(graph["cursor"], loaded["cursor"]);
    let kept = ana.get(&format!("{path}/saves/draft")).await.ok(200);
    assert_eq!((kept["nodes"].as_array().unwrap().len(), kept.get("cursor")), (2, None));
    let kept = ana.get(&format!("{path}/saves/draft?version=1")).await.ok(200);
    assert_eq!(kept["nodes"].as_array().unwrap().len(), 1);

    let into = json!({ "name": "draft", "graph": "second" });
    assert_eq!(keep("load", into).await.ok(200)["graph_version"], 1, "into another graph");
    for (part, body, code) in [
        ("load", json!({ "name": "nothing" }), "save_not_found"),
        ("load", json!({ "name": "draft", "version": 9 }), "save_not_found"),
        ("load", json!({ "name": "draft", "version": 0 }), "invalid_argument"),
        ("load", json!({}), "malformed_message"),
        ("save", json!({ "name": "with a space" }), "invalid_argument"),
        ("save", json!({ "name": "x", "graph": "nothing" }), "graph_not_found"),
    ] {
        assert_eq!(keep(part, body.clone()).await.problem(), code, "{part} {body}");
    }
    assert_eq!(ana.get(&format!("{path}/saves/nothing")).await.problem(), "save_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sessions_stream_begins_with_all_of_it_resumes_and_ends_when_it_is_closed() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let path = format!("/sessions/{session_id}");
    let events = format!("{path}/events");
    execute(&ana, &session_id, node("a")).await;
    let set = json!({ "type": "set_property", "node_id": "a", "key": "k", "value": { "x": 1 } });
    execute(&ana, &session_id, set).await;

    let mut stream = Sse::open(&ana, &events, None).await;
    let first = stream.next().await.unwrap();
    let session = &first.data["snapshot"]["session"];
    assert_eq!((first.event.as_str(), &session["session_id"]), ("snapshot", &json!(session_id)));
    assert_eq!(session["graphs"][0]["nodes"][0]["properties"], json!({ "k": { "x": 1 } }));
    let came = stream.until(|frame| frame.event == "session:connected").await.pop().unwrap();
    assert_eq!((&came.data["user_id"], &came.data["participants"]), (&json!("ana"), &json!(1)));
    let there = ana.get(&format!("{path}/participants")).await.ok(200);
    assert_eq!(there["participants"][0]["user_id"], "ana", "whoever follows is there");
    let done = execute(&ana, &session_id, node("b")).await;
    let told = stream.until(|frame| frame.data["cursor"] == done["cursor"]).await;
    let created = told.iter().find(|frame| frame.data["node_id"] == "b").unwrap();
    assert_eq!(
        (&created.data["node_type"], &created.data["graph"]),
        (&json!("box"), &json!("main"))
    );
    let (names, end): (Vec<_>, _) =
        (told.iter().map(|frame| frame.event.as_str()).collect(), told.last().unwrap());
    assert_eq!(names, ["command:executing", "graph:node-created", "command:executed"]);
    assert_eq!(
        (&end.data["success"], &end.data["command_id"]),
        (&json!(true), &done["command_id"])
    );
    drop(stream);

    execute(&ana, &session_id, node("c")).await;
    ana.post(&format!("{path}/close"), &json!({})).await.ok(200);
    let mut stream = Sse::open(&ana, &events, Some(&end.id)).await;
    let rest = stream.until(|frame| frame.event == "closed").await;
    assert!(rest.iter().any(|frame| frame.data["node_id"] == "c"));
    assert!(rest.iter().all(|frame| frame.data["node_id"] != "b"), "not twice");
    let last = &rest[rest.len() - 2];
    assert_eq!((last.event.as_str(), &last.data["user_id"]), ("session:closed", &json!("ana")));
    assert_eq!(stream.next().await, None);
    let over = Sse::request(&ana, &events, Some(&last.id)).await;
    assert_eq!(over.status(), 204, "a browser must not come back for ever");

    let page = ana.get(&format!("{events}?types=graph.node_created")).await.ok(200);
    let created: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| &event["data"]["node_id"]).collect();
    assert_eq!(json!(created), json!(["a", "b", "c"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_far_larger_than_any_command_is_read_whole() {
    const NODES: usize = 90;
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let (session_id, _) = open(&ana).await;
    let text = "x".repeat(60_000);
    let large = |number: usize| {
        json!({
            "type": "create_node", "node_id": format!("n{number:03}"), "node_type": "box", "name": "",
            "properties": { "text": text },
        })
    };
    for first in (0..NODES).step_by(15) {
        let commands: Vec<_> = (first..first + 15).map(large).collect();
        execute(&ana, &session_id, json!({ "type": "batch", "commands": commands })).await;
    }
    let nodes = |graph: &Value| graph["nodes"].as_array().unwrap().len();
    let graph = ana.get(&format!("/sessions/{session_id}/graphs/main")).await;
    assert!(graph.text.len() > 5_000_000, "{} bytes", graph.text.len());
    assert_eq!(nodes(&graph.ok(200)), NODES);
    let mut stream = Sse::open(&ana, &format!("/sessions/{session_id}/events"), None).await;
    let first = stream.next().await.unwrap();
    assert_eq!(nodes(&first.data["snapshot"]["session"]["graphs"][0]), NODES);
}
