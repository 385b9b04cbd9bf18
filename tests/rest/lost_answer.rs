//! A core that dies once it has done what it was asked, before it has answered.

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use super::session::{execute, node, open};
use crate::support::{Answer, Clients, Core, Edge, Link, Rest, admin, user};

/// Of a graph that has something to undo, and of one that has something to redo.
const UNDOABLE: &str = "undoable";
const REDOABLE: &str = "redoable";
const SAVE: &str = "kept";

/// What the calls are about.
struct Things {
    project_id: String,
    session_id: String,
    ended_job: String,
}

impl Things {
    async fn make(rest: &Rest) -> Things {
        let (session_id, project_id) = open(rest).await;
        execute(rest, &session_id, node("a")).await;
        let save = format!("/sessions/{session_id}/save");
        rest.post(&save, &json!({ "name": SAVE })).await.ok(200);
        for graph in [UNDOABLE, REDOABLE] {
            let body = json!({ "session_id": session_id, "graph": graph, "command": node("a") });
            rest.post("/commands/execute", &body).await.ok(200);
        }
        let undo = json!({ "session_id": session_id, "graph": REDOABLE });
        rest.post("/commands/undo", &undo).await.ok(200);
        let job = rest.post("/jobs", &json!({ "kind": "k" })).await.ok(201);
        let ended_job = job["job_id"].as_str().unwrap().to_owned();
        rest.post(&format!("/jobs/{ended_job}/cancel"), &json!({})).await.ok(200);
        Things { project_id, session_id, ended_job }
    }

    fn path(&self, route: &str) -> String {
        let path = route.replace("{project_id}", &self.project_id);
        let path = path.replace("{session_id}", &self.session_id);
        path.replace("{job_id}", &self.ended_job).replace("{topic}", "room:open")
    }

    fn body(&self, route: &str) -> Value {
        let event = json!({ "type": "said", "data": { "n": 1 } });
        let on = |graph: &str| json!({ "session_id": self.session_id, "graph": graph });
        match route {
            "/projects" => json!({ "name": "p" }),
            "/projects/{project_id}/sessions" | "/projects/{project_id}/test-runs" => json!({}),
            "/jobs" => json!({ "kind": "k" }),
            "/jobs/{job_id}/retry" => json!({}),
            "/sessions/{session_id}/messages" => json!({ "prompt": "hello" }),
            "/sessions/{session_id}/save" => json!({ "name": "another" }),
            "/sessions/{session_id}/load" => json!({ "name": SAVE, "graph": "loaded" }),
            "/commands/execute" => json!({ "session_id": self.session_id, "command": node("b") }),
            "/commands/undo" => on(UNDOABLE),
            "/commands/redo" => on(REDOABLE),
            "/topics/{topic}/events" => event,
            "/topics/{topic}/events:batch" => json!({ "events": [event] }),
            other => panic!("what is posted to {other}?"),
        }
    }

    /// With the route's name for a key.
    async fn post(&self, rest: &Rest, route: &str) -> Answer {
        let request = rest.request(Method::POST, &self.path(route)).json(&self.body(route));
        Answer::of(request.header("idempotency-key", route)).await
    }
}

/// Every route that takes a key.
async fn keyed(rest: &Rest) -> Vec<String> {
    let described = rest.get("/openapi.json").await.ok(200);
    let takes_key = |route: &Value| {
        let parameters = route["post"]["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|one| one["name"] == "Idempotency-Key"))
    };
    let routes = described["paths"].as_object().unwrap().iter();
    routes.filter(|(_, route)| takes_key(route)).map(|(name, _)| name.clone()).collect()
}

/// Two ways to one core: what two cores on one store are to an edge.
async fn two_ways(core: &Core) -> ([Link; 2], Edge) {
    let links = [Link::to(core.address()).await, Link::to(core.address()).await];
    let edge = Edge::start_at(&format!("{},{}", links[0].url(), links[1].url())).await;
    (links, edge)
}

/// The core that the edge asks first dies in what it is asked next.
async fn mute_home(rest: &Rest, links: &[Link; 2]) {
    let cores = rest.get("/readyz?verbose").await.ok(200)["cores"].clone();
    let home = cores.as_array().unwrap().iter().position(|core| core["home"] == true).unwrap();
    links[home].mute();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_carries_a_key_is_done_once_though_its_core_dies_before_it_has_answered() {
    let core = Core::start().await;
    let (links, edge) = two_ways(&core).await;
    let root = edge.rest(&admin("root"));
    let (things, routes) = (Things::make(&root).await, keyed(&root).await);
    assert!(routes.len() > 10, "{routes:?}");
    let clients = Clients::node().await;
    let socket = clients.connect(&edge.url(), Some(&admin("root")));
    socket.connected().await;

    mute_home(&root, &links).await;
    let posted = join_all(routes.iter().map(|route| things.post(&root, route)));
    let command = json!({ "session_id": things.session_id, "graph": "over-a-socket",
        "command": node("a"), "idempotency_key": "over-a-socket" });
    let (answers, acknowledged) = join(posted, socket.ask("execute_command", &command)).await;

    for (route, answer) in routes.iter().zip(answers) {
        assert!((200..300).contains(&answer.status), "{route}: {} {}", answer.status, answer.text);
        let again = things.post(&root, route).await;
        assert_eq!(again.json(), answer.json(), "{route} is done once");
    }
    assert_eq!(acknowledged["ok"], true, "{acknowledged}");
    assert_eq!(socket.ask("execute_command", &command).await, acknowledged, "done once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_repeated_is_done_though_its_core_dies_before_it_has_answered() {
    let core = Core::start().await;
    let (links, edge) = two_ways(&core).await;
    let root = edge.rest(&admin("root"));
    let (session_id, _) = open(&root).await;
    let job = root.post("/jobs", &json!({ "kind": "nobody-serves-this" })).await.ok(201);
    let job_id = job["job_id"].as_str().unwrap();
    let clients = Clients::node().await;
    let socket = clients.connect(&edge.url(), Some(&user("bob")));
    socket.connected().await;
    let connection = root.get("/connections").await.ok(200)["connections"][0]["id"].clone();

    mute_home(&root, &links).await;
    let paths = [
        format!("/jobs/{job_id}/cancel"),
        format!("/sessions/{session_id}/close"),
        "/revocations".to_owned(),
        format!("/connections/{}/disconnect", connection.as_str().unwrap()),
    ];
    let bodies = [json!({}), json!({}), json!({ "subject": "eve" }), json!({})];
    let posted = paths.iter().zip(&bodies).map(|(path, body)| root.post(path, body));
    for (path, answer) in paths.iter().zip(join_all(posted).await) {
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    }

    let status = root.get(&format!("/jobs/{job_id}")).await.ok(200)["status"].clone();
    assert_eq!(status, "cancelled");
    let listed = root.get("/revocations").await.ok(200)["revocations"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let events = root.get(&format!("/sessions/{session_id}/events")).await.ok(200);
    let closings = events["events"].as_array().unwrap().iter();
    assert_eq!(closings.filter(|event| event["type"] == "session.closed").count(), 1, "{events}");
}
