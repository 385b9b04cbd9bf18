//! docs/reference/openapi.json: every operation is done here once, and its bodies are held against it.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Answer, Clients, Dev, Process, Rest, eventually, node};

const ROOMS: &str = "lobby = { presence = true, publish = \"everyone\", last = true }";
/// The judge reads some hundred bodies.
const JUDGED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_takes_and_answers_what_it_is_described_to() {
    let dev = Dev::start_with(&["--rooms", ROOMS]).await;
    let tour = Tour { rest: dev.rest(), exchanges: Mutex::default() };
    tour.jobs().await;
    let project_id = tour.projects().await;
    tour.sessions(&project_id).await;
    tour.topics().await;
    tour.access().await;
    tour.connections(&dev).await;
    for path in ["/", "/docs", "/health", "/livez", "/metrics", "/openapi.json", "/readyz"] {
        tour.get(path).await;
    }
    tour.ask(Method::DELETE, &format!("/projects/{project_id}"), Value::Null).await;
    let verdict = tour.judged().await;
    assert_eq!(verdict, json!({ "faults": [], "unseen": [] }), "{verdict:#}");
}

/// Somebody who does everything there is, and keeps what was said.
struct Tour {
    rest: Rest,
    exchanges: Mutex<Vec<Value>>,
}

impl Tour {
    async fn ask(&self, method: Method, path: &str, asked: Value) -> Value {
        let request = self.rest.request(method.clone(), path);
        let request = if asked.is_null() { request } else { request.json(&asked) };
        let answer = Answer::of(request).await;
        let media = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().to_owned();
        let answered = serde_json::from_str::<Value>(&answer.text).unwrap_or_default();
        self.exchanges.lock().unwrap().push(json!({
            "method": method.as_str(), "path": path, "asked": asked,
            "status": answer.status, "type": media, "answered": answered,
        }));
        answered
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, Value::Null).await
    }

    async fn post(&self, path: &str, asked: Value) -> Value {
        self.ask(Method::POST, path, asked).await
    }

    async fn jobs(&self) {
        let wanted = json!({
            "kind": "shown", "input": [1, { "x": null }], "priority": 1, "labels": { "a": "b" },
            "retry": { "max_attempts": 3 }, "idempotency_key": "once",
        });
        let created = self.post("/jobs", wanted.clone()).await;
        self.post("/jobs", wanted).await;
        let job = format!("/jobs/{}", text(&created["job_id"]));
        self.get("/jobs?limit=1").await;
        self.get(&job).await;
        self.post(&format!("{job}/cancel"), json!({ "reason": "shown" })).await;
        self.get(&format!("{job}/events")).await;
        self.get(&format!("{job}/output")).await;
        self.post(&format!("{job}/retry"), Value::Null).await;
        self.get("/jobs/none").await;
        self.post("/jobs", json!({ "kind": "not a kind!" })).await;
    }

    async fn projects(&self) -> String {
        let project_id = text(&self.post("/projects", json!({ "name": "p" })).await["id"]);
        let project = format!("/projects/{project_id}");
        self.get("/projects").await;
        self.get(&project).await;
        let member = format!("{project}/members/ana");
        self.ask(Method::PUT, &member, json!({ "role": "editor" })).await;
        self.get(&format!("{project}/members")).await;
        self.ask(Method::DELETE, &member, Value::Null).await;
        self.post(&format!("{project}/test-runs"), json!({})).await;
        self.get(&format!("{project}/events")).await;
        project_id
    }

    async fn sessions(&self, project_id: &str) {
        let all = format!("/projects/{project_id}/sessions");
        let session_id = text(&self.post(&all, json!({ "name": "s" })).await["session_id"]);
        let session = format!("/sessions/{session_id}");
        self.get(&all).await;
        let node =
            |id| json!({ "type": "create_node", "node_id": id, "node_type": "box", "name": id });
        let commands = json!([node("a"), node("b"), { "type": "set_property", "node_id": "a", "key": "x", "value": null }]);
        let batch = json!({ "type": "batch", "commands": commands });
        let command = |command| json!({ "session_id": session_id, "command": command });
        self.post("/commands/execute", command(batch)).await;
        self.post("/commands/execute", command(node("a"))).await;
        self.post("/commands/undo", json!({ "session_id": session_id })).await;
        self.post("/commands/redo", json!({ "session_id": session_id })).await;
        self.post(&format!("{session}/messages"), json!({ "prompt": "hello" })).await;
        self.post(&format!("{session}/save"), json!({ "name": "kept" })).await;
        self.post(&format!("{session}/load"), json!({ "name": "kept", "version": 1 })).await;
        for inner in ["", "/graphs/main", "/saves", "/saves/kept", "/participants", "/events"] {
            self.get(&format!("{session}{inner}")).await;
        }
        self.post(&format!("{session}/close"), Value::Null).await;
    }

    async fn topics(&self) {
        let event = json!({ "type": "said", "data": { "n": 1 } });
        self.post("/topics/room:lobby/events", event.clone()).await;
        self.post("/topics/room:lobby/events:batch", json!({ "events": [event] })).await;
        self.post("/debug/socketio/broadcast", json!({ "data": { "n": 1 } })).await;
        for path in ["/rooms", "/rooms/lobby/presence", "/topics", "/topics/room:lobby"] {
            self.get(path).await;
        }
        self.get("/topics/room:lobby/events").await;
    }

    async fn access(&self) {
        let revoked = self.post("/revocations", json!({ "token_id": "lost" })).await;
        self.get("/revocations").await;
        let revocation = format!("/revocations/{}", text(&revoked["revocation_id"]));
        self.ask(Method::DELETE, &revocation, Value::Null).await;
        self.ask(Method::PUT, "/users/eve", json!({ "display_name": "Eve" })).await;
        for path in ["/users/eve/disable", "/users/eve/enable", "/tickets"] {
            self.post(path, Value::Null).await;
        }
        self.get("/users").await;
        self.get("/users/eve").await;
        self.ask(Method::DELETE, "/users/eve", Value::Null).await;
        self.get("/explain?user=eve&topic=room:lobby").await;
        self.get("/audit").await;
        self.get("/whoami").await;
    }

    async fn connections(&self, dev: &Dev) {
        let clients = Clients::node().await;
        let socket = clients.connect(&dev.url(), None);
        socket.connected().await;
        for path in ["/debug/socketio", "/websocket/stats", "/connections?scope=cluster"] {
            self.get(path).await;
        }
        let listed = eventually("the connection is listed", async || {
            self.get("/connections").await["connections"].get(0).cloned()
        });
        let path = format!("/connections/{}/disconnect", text(&listed.await["id"]));
        self.post(&path, Value::Null).await;
        socket.event("closing").await;
    }

    /// What the judge says of it all.
    async fn judged(self) -> Value {
        let mut judge = Process::spawn("judge", &mut node("exchanges.mjs"));
        for exchange in self.exchanges.into_inner().unwrap() {
            writeln!(judge.stdin(), "{exchange}").unwrap();
        }
        judge.close_stdin();
        assert!(judge.ended(JUDGED_WITHIN).await.success());
        judge.finish_reading();
        let said = judge.stdout_lines().join("\n");
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("no verdict: {said}"))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
