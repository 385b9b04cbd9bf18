//! What comes and goes: each time under names that are never used again, and half of it without goodbye.

use std::time::{Duration, SystemTime};

use futures::future::join_all;
use reqwest::Method;
use roomcast_identity::Scope;
use roomcast_proto::v1::{Assignment, Failure, Fault, Report, WatchTopicRequest, report};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::worker::{self, completed, output, progress};
use crate::support::{
    Answer, Caller, Clients, Core, Edge, Rest, Socket, Worker, admin, user, user_with_id,
};

/// Of each kind in one wave.
const SOCKETS: usize = 6;
const JOBS: usize = 3;
/// Longest that a part of a wave may take: each of its dozen steps takes a moment, on a busy machine a long one.
const PART_MAX: Duration = Duration::from_secs(60);
/// A revocation is kept for no longer than this after its wave.
const REVOKED_FOR: Duration = Duration::from_secs(3);

/// One wave. Its number makes every name in it a new one.
pub(super) struct Wave<'system> {
    pub(super) core: &'system Core,
    pub(super) edge: &'system Edge,
    pub(super) number: usize,
}

impl Wave<'_> {
    /// Comes, and is gone when this returns.
    pub(super) async fn pass(&self) {
        let clients = Clients::node().await;
        let sockets = join_all((0..SOCKETS).map(|n| self.socket(&clients, n)));
        let jobs = join_all((0..JOBS).map(|n| self.job(&clients, n)));
        let (..) = tokio::join!(
            self.part("sockets", sockets),
            self.part("jobs", jobs),
            self.part("a session", self.session(&clients)),
            self.part("a room", self.room()),
            self.part("rights", self.right()),
            self.part("a stranger", self.stranger()),
        );
        // Whoever is still connected goes without a word, with the process.
        drop(clients);
    }

    async fn part<T>(&self, what: &str, acts: impl Future<Output = T>) -> T {
        let done = timeout(PART_MAX, acts).await;
        done.unwrap_or_else(|_| panic!("wave {}: {what} took over {PART_MAX:?}", self.number))
    }

    /// A user who is in rooms, says something and goes.
    async fn socket(&self, clients: &Clients, n: usize) {
        let socket = self.connect(clients, &self.name("user", n), json!({}));
        socket.connected().await;
        for room in ["lobby", "news"] {
            granted(&socket, "join_room", &json!({ "room": room })).await;
        }
        granted(&socket, "subscribe_jobs", &json!({})).await;
        let said = json!({ "room": "lobby", "type": "said", "data": { "n": n } });
        granted(&socket, "publish", &said).await;
        match n % 3 {
            0 => socket.disconnect(),
            1 => drop(granted(&socket, "leave_room", &json!({ "room": "lobby" })).await),
            _ => {}
        }
    }

    /// A job that is watched to its end: done, failed or cancelled.
    async fn job(&self, clients: &Clients, n: usize) {
        let (owner, kind) = (self.name("owner", n), self.name("kind", n));
        let rest = self.rest(&owner);
        let wanted = json!({
            "kind": kind, "input": { "n": n }, "labels": { "wave": owner }, "retry": { "max_attempts": 1 },
        });
        let job = self.post(&rest, "/jobs", &wanted).await;
        let job_id = job["job_id"].as_str().expect("an id");
        let socket = self.connect(clients, &owner, json!({ "dashboard": false }));
        socket.connected().await;
        granted(&socket, "join_job", &json!({ "job_id": job_id })).await;
        let end = match n % 3 {
            0 => self.cancelled(&rest, job_id).await,
            1 => self.worked(n, &kind, |assignment| completed(assignment, 3)).await,
            _ => self.worked(n, &kind, failed).await,
        };
        socket.event_where("job_update", |update| update["status"] == end).await;
    }

    async fn cancelled(&self, rest: &Rest, job_id: &str) -> &'static str {
        rest.post(&format!("/jobs/{job_id}/cancel"), &json!({})).await.ok(200);
        "cancelled"
    }

    /// By a worker who came for it. Answers how it ended.
    async fn worked(
        &self,
        n: usize,
        kind: &str,
        last: impl Fn(&Assignment) -> Report,
    ) -> &'static str {
        let worker = Worker::new(&self.name("worker", n), self.core.jobs());
        let assignment = worker.lease(kind).await;
        let (line, last) = (output(&assignment, 1, 0, "a line\n"), last(&assignment));
        let is_completed = matches!(last.end, Some(report::End::Completed(_)));
        for report in [line, progress(&assignment, 2, 50.0), last] {
            worker.report(report).await.expect("the worker's own job");
        }
        if is_completed { "completed" } else { "failed" }
    }

    /// A project with a session that is edited and saved, and a member who comes in and is put out; then
    /// all of it is erased.
    async fn session(&self, clients: &Clients) {
        let (owner, member) = (self.name("editor", 0), self.name("member", 0));
        let rest = self.rest(&owner);
        let project = self.post(&rest, "/projects", &json!({ "name": owner })).await;
        let project = format!("/projects/{}", project["id"].as_str().expect("an id"));
        let session = self.post(&rest, &format!("{project}/sessions"), &json!({})).await;
        let session_id = session["session_id"].as_str().expect("an id");
        let membership = format!("{project}/members/{member}");
        rest.put(&membership, &json!({ "role": "editor" })).await.ok(200);
        for name in [&owner, &member] {
            let auth = json!({ "session_id": session_id, "dashboard": false });
            drop(self.connect(clients, name, auth).event("session_state").await);
        }
        for n in 0..3 {
            let node = json!({ "type": "create_node", "node_id": n.to_string(), "node_type": "t", "name": "n" });
            let command = json!({ "session_id": session_id, "command": node });
            self.post(&rest, "/commands/execute", &command).await;
        }
        let undo = json!({ "session_id": session_id });
        rest.post("/commands/undo", &undo).await.ok(200);
        for act in ["save", "load"] {
            let path = format!("/sessions/{session_id}/{act}");
            rest.post(&path, &json!({ "name": "kept" })).await.ok(200);
        }
        assert_eq!(rest.delete(&membership).await.status, 204);
        assert_eq!(rest.delete(&project).await.status, 204);
    }

    /// A room that is published to once, and a program that watches it and breaks off.
    async fn room(&self) {
        let topic = format!("room:{}", self.name("once", 0));
        let event = json!({ "type": "said", "data": { "n": 1 } });
        let root = self.edge.rest(&admin("root"));
        self.post(&root, &format!("/topics/{topic}/events"), &event).await;
        let request = WatchTopicRequest { topic, ..WatchTopicRequest::default() };
        let caller = Caller::service(&[Scope::Service]);
        let mut watching = caller.broadcast(self.core.channel());
        let mut frames = watching.watch_topic(request).await.expect("a stream").into_inner();
        drop(frames.message().await.expect("a frame"));
    }

    /// A user who is registered, connected, shut out, let in and deleted, whose token is revoked and
    /// whose ticket nobody spends.
    async fn right(&self) {
        let (root, name) = (self.edge.rest(&admin("root")), self.name("guest", 0));
        let path = format!("/users/{name}");
        root.put(&path, &json!({})).await.ok(200);
        for act in ["disable", "enable"] {
            root.post(&format!("{path}/{act}"), &json!({})).await.ok(200);
        }
        self.edge.rest(&user_with_id(&name, &name)).post("/tickets", &json!({})).await.ok(201);
        let until = prost_types::Timestamp::from(SystemTime::now() + REVOKED_FOR).to_string();
        root.post("/revocations", &json!({ "token_id": name, "expires_at": until })).await.ok(201);
        assert_eq!(root.delete(&path).await.status, 204);
    }

    /// Somebody who makes up methods and paths.
    async fn stranger(&self) {
        let method = self.name("BREW", 0).to_uppercase();
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        for path in ["/jobs", &format!("/{}", self.name("path", 0))] {
            let request = Rest::new(&self.edge.url(), None);
            let request = request.request(method.clone(), path);
            assert!(Answer::of(request).await.status >= 400);
        }
    }

    fn name(&self, what: &str, n: usize) -> String {
        format!("{what}-{}-{n}", self.number)
    }

    fn rest(&self, name: &str) -> Rest {
        self.edge.rest(&user(name))
    }

    fn connect(&self, clients: &Clients, name: &str, auth: Value) -> Socket {
        let options = json!({ "auth": auth, "transports": ["websocket"] });
        clients.connect_with(&self.edge.url(), Some(&user(name)), options)
    }

    /// Under a key of its own.
    async fn post(&self, rest: &Rest, path: &str, body: &Value) -> Value {
        let key = uuid::Uuid::now_v7().to_string();
        let request = rest.request(Method::POST, path).header("Idempotency-Key", key).json(body);
        let answer = Answer::of(request).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text);
        answer.json()
    }
}

async fn granted(socket: &Socket, event: &str, argument: &Value) -> Value {
    let answer = socket.ask(event, argument).await;
    assert_eq!(answer["ok"], true, "{event} {argument}: {answer}");
    answer
}

fn failed(assignment: &Assignment) -> Report {
    let fault = Fault { code: "unhappy".into(), message: "no".into(), retryable: false };
    let failure = Failure { error: Some(fault), retry_after: None };
    Report { end: Some(report::End::Failed(failure)), ..worker::report(assignment, 3) }
}
