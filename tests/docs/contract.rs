//! docs/reference/asyncapi.yaml and openapi.json: what they are, and that everything is as they say. All
//! clients in Node and Chromium hold what goes over their sockets against the first, in every test
//! (tests/node/contract.mjs); here they are shown all there is.

use std::time::Duration;

use roomcast_identity::Scope;
use roomcast_proto::v1::{
    AnnouncePresenceRequest, NewEvent, OutputChunk, Payload, Presence, PublishRequest, Report,
    Usage,
};
use serde_json::{Value, json};

use crate::support::worker::{completed, progress, report};
use crate::support::{
    Caller, Clients, Core, Edge, Rest, Socket, System, Worker, admin, eventually, finish_within,
    lane_is_on, node, user_until,
};

const ROOMS: &str = "lobby = { presence = true, publish = \"everyone\", last = true }";
/// Longest look at a document.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// More than are named in a session.
const CROWD: usize = 201;
/// More than the rooms here keep.
const MORE_THAN_KEPT: usize = 30;
/// Less than the minute before its end in which a token is warned of, and more than this test takes.
const SOON_S: i64 = 50;

#[tokio::test]
async fn the_descriptions_of_sockets_and_of_rest_are_what_they_say_they_are() {
    finish_within(LOOK_MAX, &mut node("documents.mjs")).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_goes_over_a_socket_is_as_it_is_described() {
    let core = Core::start_with(&["--rooms", ROOMS, "--retention", "room=events:5"]).await;
    let mut system = System { edge: Edge::start(&core).await, core };
    let clients = Clients::node().await;
    for namespace in ["/", "/graph"] {
        let tour = Tour::begin(&system, &clients, namespace).await;
        tour.itself().await;
        tour.jobs().await;
        tour.rooms().await;
        tour.dashboard().await;
        tour.session().await;
        tour.operators().await;
    }
    // Without lanes there is no recovery.
    let never: &[&str] = if lane_is_on() { &[] } else { &["recovery"] };
    has_seen_all_but(&clients, &[never, &["closing"]].concat()).await;
    system.edge.terminate().await;
    has_seen_all_but(&clients, never).await;
}

async fn has_seen_all_but(clients: &Clients, left: &[&str]) {
    for namespace in ["/", "/graph"] {
        eventually(&format!("all but {left:?} was seen in {namespace}"), async || {
            let unseen = clients.unseen(namespace).await;
            (unseen == json!(left)).then_some(())
        })
        .await;
    }
}

/// A socket of an administrator that is shown everything.
struct Tour<'a> {
    system: &'a System,
    clients: &'a Clients,
    url: String,
    socket: Socket,
    rest: Rest,
    project_id: String,
}

impl<'a> Tour<'a> {
    async fn begin(system: &'a System, clients: &'a Clients, namespace: &str) -> Tour<'a> {
        let url = format!("{}{}", system.edge.url(), namespace.trim_end_matches('/'));
        let socket = clients.connect_with(&url, Some(&admin("root")), json!({ "recover": true }));
        socket.connected().await;
        let rest = system.edge.rest(&admin("root"));
        let project = rest.post("/projects", &json!({ "name": "p" })).await.ok(201);
        let project_id = text(&project["id"]);
        Tour { system, clients, url, socket, rest, project_id }
    }

    async fn done(&self, event: &str, argument: Value) -> Value {
        let answer = self.socket.ask(event, &argument).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// What a socket says of itself.
    async fn itself(&self) {
        self.done("ping", Value::Null).await;
        self.socket.emit_with("ping", &json!([]));
        self.socket.event("pong").await;
        self.socket.emit("join_job", &json!({ "job_id": "none" }));
        assert_eq!(self.socket.event("error").await["code"], "job_not_found");
        let soon = self.clients.connect(&self.url, Some(&user_until("ana", SOON_S)));
        soon.event("token_expiring").await;
        self.done("authenticate", json!({ "token": admin("root") })).await;
    }

    async fn jobs(&self) {
        let project = json!({ "project_id": self.project_id });
        self.done("subscribe", project.clone()).await;
        self.done("subscribe_jobs", Value::Null).await;
        let wanted = json!({ "kind": "shown", "project_id": self.project_id });
        let created = self.rest.post("/jobs", &wanted).await.ok(201);
        let job = json!({ "job_id": created["job_id"] });
        self.done("join_job", job.clone()).await;

        let worker = Worker::new("w", self.system.core.jobs());
        let assignment = worker.lease("shown").await;
        let chunk = |offset, data: &[u8]| OutputChunk {
            channel: "stdout".to_owned(),
            offset,
            data: data.to_vec().into(),
        };
        let usage = Usage { input_tokens: 2, total_tokens: 2, ..Usage::default() };
        let said = Report {
            output: vec![chunk(0, b"text"), chunk(4, &[0xff])],
            usage: Some(usage),
            events: vec![event("said", "application/json", "{\"n\":1}")],
            ..progress(&assignment, 1, 40.0)
        };
        worker.report(said).await.unwrap();
        let bytes = event("drawn", "image/x", "...");
        worker.report(Report { events: vec![bytes], ..report(&assignment, 2) }).await.unwrap();
        worker.report(completed(&assignment, 3)).await.unwrap();
        let has_ended = |job: &Value| job["status"] == "completed";
        self.socket.event_where("job_update", has_ended).await;
        self.socket.event_where("job_status", has_ended).await;
        for name in ["job_output", "token_usage", "drawn"] {
            self.socket.event(name).await;
        }
        self.done("leave_job", job).await;
        self.socket.event("job_unsubscribed").await;
        self.done("unsubscribe_jobs", Value::Null).await;
        self.done("unsubscribe", project).await;
    }

    async fn rooms(&self) {
        let lobby = json!({ "room": "lobby" });
        self.done("join_room", lobby.clone()).await;
        self.socket.event("presence").await;
        let said = json!({ "room": "lobby", "type": "said", "data": { "n": 0 } });
        let first = self.done("publish", said.clone()).await;
        let request = PublishRequest {
            topic: "room:lobby".to_owned(),
            event: Some(event("drawn", "image/x", "...")),
            ..PublishRequest::default()
        };
        self.system.core.broadcast().publish(request).await.unwrap();
        self.socket.event_where("drawn", |drawn| drawn["topic"] == "room:lobby").await;
        self.done("leave_room", lobby.clone()).await;

        for _ in 0..MORE_THAN_KEPT {
            self.done("publish", said.clone()).await;
        }
        eventually("the first is past its retention", async || {
            let since = json!({ "room": "lobby", "since": first["cursor"] });
            let joined = self.done("join_room", since).await;
            self.done("leave_room", lobby.clone()).await;
            joined.get("reset").map(drop)
        })
        .await;
        self.socket.event("reset").await;
    }

    async fn dashboard(&self) {
        let view = json!({ "room": "dashboard" });
        self.done("join_room", view.clone()).await;
        for (name, _) in roomcast_proto::dashboard::EVENTS {
            self.done(name, json!({ "n": 1 })).await;
            self.socket.event(name).await;
        }
        self.done("leave_room", view).await;
    }

    async fn session(&self) {
        let path = format!("/projects/{}/sessions", self.project_id);
        let made = self.rest.post(&path, &json!({})).await.ok(201);
        let session_id = text(&made["session_id"]);
        let this = json!({ "session_id": session_id });
        self.done("join_session", this.clone()).await;
        let node = |id: &str| json!({ "type": "create_node", "node_id": id, "node_type": "box", "name": id, "properties": { "x": 1 } });
        let link = |kind: &str| json!({ "type": kind, "parent_id": "a", "node_id": "b" });
        let delete = json!({ "type": "delete_node", "node_id": "b" });
        let commands = [
            json!({ "type": "batch", "commands": [node("a"), node("b")] }),
            link("link_node"),
            link("unlink_node"),
            json!({ "type": "set_property", "node_id": "a", "key": "x", "value": { "y": null } }),
            json!({ "type": "delete_property", "node_id": "a", "key": "x" }),
            delete.clone(),
        ];
        for command in commands {
            self.done("execute_command", json!({ "session_id": session_id, "command": command }))
                .await;
        }
        self.done("undo", this.clone()).await;
        self.done("redo", this.clone()).await;
        let refused = json!({ "session_id": session_id, "command": delete });
        let refused = self.socket.ask("execute_command", &refused).await;
        assert_eq!(refused["error"]["code"], "node_not_found");
        for way in ["save", "load"] {
            let path = format!("/sessions/{session_id}/{way}");
            self.rest.post(&path, &json!({ "name": "kept" })).await.ok(200);
        }
        self.comes_and_goes(&this).await;
        self.crowd(&session_id).await;
        self.done("leave_session", this.clone()).await;
        self.done("join_session", this).await;
        let path = format!("/sessions/{session_id}/close");
        self.rest.post(&path, &json!({})).await.ok(200);
    }

    /// Another client joins the session, and leaves when that was told: less than that is no event.
    async fn comes_and_goes(&self, session: &Value) {
        let another = self.clients.connect(&self.url, Some(&admin("root")));
        another.connected().await;
        assert_eq!(another.ask("join_session", session).await["ok"], true);
        let came = self.spelled("session:connected");
        self.socket.event_where(&came, |told| told["connections"] == 2).await;
        another.disconnect();
        self.socket.event(&self.spelled("session:disconnected")).await;
    }

    /// More come to a session, at another edge, than are named.
    async fn crowd(&self, session_id: &str) {
        let presence = |user| Presence {
            topic: format!("session:{session_id}"),
            user_id: format!("u{user}"),
            connections: 1,
            tenant: String::new(),
        };
        let request = AnnouncePresenceRequest {
            edge_id: "another".to_owned(),
            presences: (0..CROWD).map(presence).collect(),
            ..AnnouncePresenceRequest::default()
        };
        let core = self.system.core.channel();
        Caller::service(&[Scope::Admin]).sessions(core).announce_presence(request).await.unwrap();
        self.socket.event(&self.spelled("session:presence")).await;
    }

    /// What an event of a session's own is called where the socket is.
    fn spelled(&self, name: &str) -> String {
        if self.url.ends_with("/graph") { name.replace(':', "-") } else { name.to_owned() }
    }

    async fn operators(&self) {
        self.done("subscribe_audit", Value::Null).await;
        self.rest.put("/users/eve", &json!({})).await.ok(200);
        self.socket.event("audit.user.put").await;
        self.done("unsubscribe_audit", Value::Null).await;
    }
}

fn event(name: &str, content_type: &str, data: &'static str) -> NewEvent {
    let payload = Payload { content_type: content_type.to_owned(), data: data.into() };
    NewEvent { r#type: name.to_owned(), payload: Some(payload) }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
