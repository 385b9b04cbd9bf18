//! A message becomes a patch: from the request to every subscriber's socket, whatever becomes of the
//! model and of the agent. The model's API is one on loopback with books of its own.

mod cost;
mod failure;
mod lost;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::model::{self, Manner, Model};
use crate::support::{Agent, Clients, Dev, Rest, Socket, System, eventually, user};

/// A project's only file.
const FILE: &str = "fn greeting() -> &'static str {\n    \"hello\"\n}\n";
/// What the model says.
const ANSWER: &str = "It greets in French now.\n\n```diff\n--- a/src/greeting.rs\n+++ b/src/greeting.rs\n\
@@ -1,3 +1,3 @@\n fn greeting() -> &'static str {\n-    \"hello\"\n+    \"bonjour\"\n }\n```\n";
/// The patch in it.
const PATCH: &str = "--- a/src/greeting.rs\n+++ b/src/greeting.rs\n@@ -1,3 +1,3 @@\n fn greeting() -> \
&'static str {\n-    \"hello\"\n+    \"bonjour\"\n }\n";

/// A project with a session, an agent with a model, and Ana, who owns all of it.
struct World {
    system: System,
    model: Model,
    folder: TempDir,
    ana: Rest,
    project_id: String,
    session_id: String,
}

impl World {
    /// Without an agent.
    async fn new() -> World {
        let system = System::start().await;
        let folder = project();
        let ana = system.edge.rest(&user("ana"));
        let project = ana.post("/projects", &json!({ "name": "greetings" })).await.ok(201);
        let project_id = project["id"].as_str().unwrap().to_owned();
        let session = ana.post(&format!("/projects/{project_id}/sessions"), &json!({})).await;
        let session_id = session.ok(201)["session_id"].as_str().unwrap().to_owned();
        let model = Model::that_says(ANSWER).await;
        World { system, model, folder, ana, project_id, session_id }
    }

    fn agent(&self) -> Agent {
        self.agent_with("")
    }

    /// An agent with settings of the test's own.
    fn agent_with(&self, settings: &str) -> Agent {
        self.agent_of(&self.model, model::KEY, settings)
    }

    /// An agent of any model, whatever the world's is.
    fn agent_of(&self, model: &Model, key: &str, settings: &str) -> Agent {
        let (name, url, folder) = (model::NAME, model.url(), self.folder.path());
        let settings = format!(
            "model = {name:?}\nmodel-url = {url:?}\nmodel-key = {key:?}\nlog = \"debug\"\n\
             {settings}\n[workspaces.default]\nfolder = {folder:?}\n"
        );
        Agent::start(&self.system.core.url(), &settings)
    }

    /// Sends a message. Answers `{trace_id, job_id}`.
    async fn ask(&self) -> Value {
        let path = format!("/sessions/{}/messages", self.session_id);
        self.ana
            .post(&path, &json!({ "prompt": "Greet in French in src/greeting.rs" }))
            .await
            .ok(202)
    }

    /// Waits until a job has ended.
    async fn ended(&self, asked: &Value) -> Value {
        let path = format!("/jobs/{}", asked["job_id"].as_str().unwrap());
        eventually("the job ends", async || {
            let job = self.ana.get(&path).await.ok(200);
            let status = job["status"].as_str().unwrap();
            matches!(status, "completed" | "failed" | "cancelled").then_some(job)
        })
        .await
    }

    /// A client that follows the project.
    async fn subscriber(&self, clients: &Clients) -> Socket {
        let socket = clients.connect(&self.system.edge.url(), Some(&user("ana")));
        socket.connected().await;
        let joined = socket.ask("subscribe", &json!({ "project_id": self.project_id })).await;
        assert_eq!(joined["ok"], true, "{joined}");
        socket
    }

    /// What all of the model's answers used, as far as it told anybody.
    fn reported(&self) -> [u64; 3] {
        let told = self.model.books().into_iter().filter(|entry| entry.is_reported);
        told.fold([0; 3], |[input, output, total], entry| {
            let usage = entry.usage;
            let (prompt, completion) = (usage.prompt_tokens, usage.completion_tokens);
            [input + prompt, output + completion, total + usage.total()]
        })
    }
}

/// Input, output and all tokens of a usage, whoever tells of it.
fn tokens(usage: &Value) -> [u64; 3] {
    ["input_tokens", "output_tokens", "total_tokens"]
        .map(|field| usage[field].as_u64().unwrap_or_else(|| panic!("{field} in {usage}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_reaches_every_subscriber_under_the_trace_of_its_request() {
    let world = World::new().await;
    let mut agent = world.agent();
    let (node, python) = (Clients::node().await, Clients::python().await);
    let sockets = [world.subscriber(&node).await, world.subscriber(&python).await];
    let asked = world.ask().await;
    let mut told = Vec::new();
    for socket in &sockets {
        let answer = socket.event("vibecode_response").await;
        let usage = socket.event("token_usage").await;
        for payload in [&answer, &usage] {
            assert_eq!(payload["trace_id"], asked["trace_id"], "{payload}");
            assert_eq!(payload["job_id"], asked["job_id"], "{payload}");
            assert_eq!(payload["topic"], format!("project:{}", world.project_id));
        }
        assert_eq!(answer["type"], "vibecode_response");
        assert_eq!(answer["patch"], PATCH);
        assert_eq!(answer["files"], json!(["src/greeting.rs"]));
        assert_eq!(answer["message"], "It greets in French now.");
        assert_eq!(
            (&answer["session_id"], &answer["attempt"]),
            (&json!(world.session_id), &json!(1))
        );
        assert_eq!(answer["model"], model::NAME);
        assert_eq!(tokens(&answer["token_usage"]), world.reported());
        assert_eq!(tokens(&usage), world.reported());
        told.push((answer, usage));
    }
    assert_eq!(told[0], told[1], "all are told the same");
    let books = world.model.books();
    assert_eq!(books.len(), 1);
    assert!(books[0].usage.prompt_tokens > 50, "the model was shown the file: {books:?}");

    let job = world.ended(&asked).await;
    assert_eq!((&job["status"], &job["trace_id"]), (&json!("completed"), &asked["trace_id"]));
    assert_eq!((tokens(&job["usage"]), &job["result"]["patch"]), (world.reported(), &json!(PATCH)));
    let path = format!("/jobs/{}/output?channel=text", job["job_id"].as_str().unwrap());
    assert_eq!(world.ana.get(&path).await.text, ANSWER, "the text came as output");
    for path in
        [format!("/projects/{}", world.project_id), format!("/sessions/{}", world.session_id)]
    {
        assert_eq!(
            tokens(&world.ana.get(&path).await.ok(200)["usage"]),
            world.reported(),
            "{path}"
        );
    }
    let log = agent.process().stderr_lines().join("\n");
    for secret in [model::KEY, "Greet in French", "bonjour"] {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
    let changed = std::fs::read_to_string(world.folder.path().join("src/greeting.rs")).unwrap();
    assert_eq!(changed, FILE, "a patch is tried on a copy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_stops_where_its_budget_ends() {
    let world = World::new().await;
    let _agent = world.agent_with("model-job-tokens-max = 250");
    world.model.say(&"All work and no play. ".repeat(200));
    world.model.misbehave([Manner::CountAloud]);
    let job = world.ended(&world.ask().await).await;
    assert_eq!((&job["status"], &job["error_code"]), (&json!("failed"), &json!("budget_exceeded")));
    let [.., used] = tokens(&job["usage"]);
    assert!((250..300).contains(&used), "it stopped at once: {used}");
    eventually("the model has been told to stop", async || {
        let counted = world.model.books()[0].usage.completion_tokens;
        let total = world.model.books()[0].usage.total();
        (counted < 1000 && total < 350).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_ends_where_it_may_be_no_longer() {
    let world = World::new().await;
    let _agent = world.agent_with("model-answer-tokens-max = 7");
    let job = world.ended(&world.ask().await).await;
    assert_eq!((&job["status"], &job["error_code"]), (&json!("failed"), &json!("budget_exceeded")));
    assert_eq!(world.model.books()[0].usage.completion_tokens, 7);
    assert_eq!(tokens(&job["usage"]), world.reported());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cancels_a_message_stops_the_model() {
    let world = World::new().await;
    let _agent = world.agent();
    world.model.misbehave([Manner::FallSilent(5)]);
    let asked = world.ask().await;
    let path = format!("/jobs/{}", asked["job_id"].as_str().unwrap());
    eventually("the model writes", async || {
        let books = world.model.books();
        books.first().filter(|entry| entry.usage.completion_tokens == 5).map(drop)
    })
    .await;
    world.ana.post(&format!("{path}/cancel"), &json!({})).await.ok(200);
    let job = world.ended(&asked).await;
    assert_eq!(job["status"], "cancelled");
    let output = world.ana.get(&format!("{path}/output?channel=text")).await.text;
    assert!(ANSWER.starts_with(&output), "what was written stays to be read");
    // The agent is free for the next.
    let next = world.ended(&world.ask().await).await;
    assert_eq!(next["status"], "completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dev_answers_messages_once_a_model_is_named() {
    let (model, folder) = (Model::that_says(ANSWER).await, project());
    let workspaces = format!("[default]\nfolder = {:?}", folder.path());
    let arguments = ["--model", model::NAME, "--model-url", model.url(), "--model-key", model::KEY];
    let dev = Dev::start_with(&[&arguments[..], &["--workspaces", &workspaces]].concat()).await;
    assert!(dev.said().contains("answers messages with loopback-1"), "{}", dev.said());
    // In development a session that is not there is made.
    let asked = dev.rest().post("/sessions/sketch/messages", &json!({ "prompt": "x" })).await;
    let path = format!("/jobs/{}", asked.ok(202)["job_id"].as_str().unwrap());
    let job = eventually("the job ends", async || {
        let job = dev.rest().get(&path).await.ok(200);
        (job["completed_at"] != Value::Null).then_some(job)
    })
    .await;
    assert_eq!((&job["status"], &job["result"]["patch"]), (&json!("completed"), &json!(PATCH)));
}

/// A folder with the file.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/greeting.rs"), FILE).unwrap();
    folder
}

/// The refusals that the tests ask for.
fn refused(status: u16) -> Manner {
    Manner::refuse(StatusCode::from_u16(status).unwrap())
}
