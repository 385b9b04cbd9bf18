//! Sessions over Socket.IO, with unmodified clients.

use serde_json::{Value, json};

use super::{command, execute, join, node, open_for, refused};
use crate::support::{Clients, Dev, Socket, System, admin, eventually, user};

/// The namespace of short names.
fn graph_url(url: &str) -> String {
    format!("{url}/graph")
}

async fn connected(clients: &Clients, url: &str, name: &str) -> Socket {
    let socket = clients.connect(url, Some(&user(name)));
    socket.connected().await;
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_client_does_all_of_the_session_see_in_the_spelling_of_their_namespace() {
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana", "ben"]).await;
    let clients = Clients::node().await;
    let url = system.edge.url();
    let ana = connected(&clients, &url, "ana").await;
    let ben = connected(&clients, &graph_url(&url), "ben").await;
    for socket in [&ana, &ben] {
        let joined = join(socket, &session_id).await;
        assert_eq!(joined["resumed"], false);
        let state = socket.event("session_state").await;
        assert_eq!((&state["session_id"], &state["graphs"]), (&json!(session_id), &json!([])));
        assert_eq!((&state["part"], &state["parts"]), (&json!(1), &json!(1)));
    }

    let mut wanted = node("a");
    wanted["properties"] = json!({ "colour": "red" });
    let done = execute(&ana, &session_id, &wanted).await;
    assert_eq!((&done["version"], &done["changes"][0]["node_id"]), (&json!(1), &json!("a")));
    let seen = ben.event("node-created").await;
    assert_eq!(seen["session_id"], session_id);
    assert_eq!((&seen["name"], &seen["blueprint_type_id"]), (&json!("a"), &json!("box")));
    assert_eq!(seen["properties"]["colour"], "red");
    assert_eq!(ana.event("graph:node-created").await, seen, "one payload for both");
    let executed = ben.event("command-executed").await;
    assert_eq!((&executed["success"], &executed["user_id"]), (&json!(true), &json!("ana")));
    assert_eq!(executed["command_id"], done["command_id"]);
    assert_eq!(executed["cursor"], done["cursor"]);
    assert_eq!(ana.event("command:executed").await, executed);

    let this = json!({ "session_id": session_id });
    for (event, full, short) in [("undo", "command:undo", "undo"), ("redo", "command:redo", "redo")]
    {
        let answer = ben.ask(event, &this).await;
        assert_eq!((&answer["ok"], &answer["command_id"]), (&json!(true), &done["command_id"]));
        assert_eq!(ana.event(full).await, ben.event(short).await);
    }
    assert_eq!(refused(&ben.ask("redo", &this).await), "nothing_to_redo");

    let unknown = command(&session_id, &json!({ "type": "delete_node", "node_id": "b" }));
    assert_eq!(refused(&ana.ask("execute_command", &unknown).await), "node_not_found");
    let failed = ben.event("command-failed").await;
    assert_eq!(
        (&failed["success"], &failed["error_code"]),
        (&json!(false), &json!("node_not_found"))
    );
    let mut late = command(&session_id, &node("c"));
    late["expected_version"] = json!(1);
    assert_eq!(refused(&ana.ask("execute_command", &late).await), "version_conflict");
    let malformed = command(&session_id, &json!({ "type": "delete_node" }));
    assert_eq!(refused(&ana.ask("execute_command", &malformed).await), "invalid_argument");

    assert_eq!(ben.ask("ping", &json!({})).await["ok"], true);
    ben.event("pong").await;
    assert_eq!(ben.ask("leave_session", &this).await["ok"], true);
    execute(&ana, &session_id, &node("d")).await;
    ana.event_where("graph:node-created", |event| event["node_id"] == "d").await;
    assert_eq!(ben.ask("ping", &json!({})).await["ok"], true);
    let heard = ben.events().into_iter().filter(|(_, payload)| payload["node_id"] == "d");
    assert_eq!(heard.count(), 0, "who has left hears nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_named_in_auth_is_joined_at_connect_in_either_namespace() {
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana"]).await;
    let url = system.edge.url();
    for clients in [Clients::node().await, Clients::python().await] {
        for namespace in ["", "/graph"] {
            let with = |session_id: &str| json!({ "namespace": namespace, "auth": { "session_id": session_id } });
            let ana = clients.connect_with(&url, Some(&user("ana")), with(&session_id));
            assert_eq!(ana.event("session_state").await["session_id"], session_id);
            let lost = clients.connect_with(&url, Some(&user("ana")), with("no-such-session"));
            assert_eq!(lost.event("error").await["code"], "session_not_found");
            assert_eq!(lost.ask("ping", &json!({})).await["ok"], true, "it stays connected");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_development_a_session_id_alone_will_do() {
    let dev = Dev::start().await;
    let python = Clients::python().await;
    for namespace in ["", "/graph"] {
        let options = json!({ "auth": { "session_id": "test" }, "namespace": namespace });
        let socket = python.connect_with(&dev.url(), None, options);
        assert_eq!(socket.event("session_state").await["session_id"], "test");
        let done = execute(&socket, "test", &node(&format!("n{}", namespace.len()))).await;
        let name = if namespace.is_empty() { "command:executed" } else { "command-executed" };
        socket.event_where(name, |told| told["command_id"] == done["command_id"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_of_a_project_has_its_jobs_and_those_that_come_and_resumes() {
    let system = System::start().await;
    let (project_id, _) = open_for(&system.core, &["ana", "ben"]).await;
    let ana = system.edge.rest(&user("ana"));
    let create = async || {
        let wanted = json!({ "kind": "report", "project_id": project_id });
        ana.post("/jobs", &wanted).await.ok(201)["job_id"].clone()
    };
    let first = create().await;
    let clients = Clients::node().await;
    for url in [system.edge.url(), graph_url(&system.edge.url())] {
        let ben = connected(&clients, &url, "ben").await;
        let answer = ben.ask("subscribe", &json!({ "project_id": project_id })).await;
        assert_eq!(answer["topic"], format!("project:{project_id}"), "{answer}");
        ben.event_where("job_status", |job| job["job_id"] == first).await;
        let next = create().await;
        let seen = ben.event_where("job_status", |job| job["job_id"] == next).await;
        let left = ben.ask("unsubscribe", &json!({ "project_id": project_id })).await;
        assert_eq!(left, json!({ "ok": true }));
        let missed = create().await;
        let since = json!({ "project_id": project_id, "since": seen["cursor"] });
        let answer = ben.ask("subscribe", &since).await;
        assert_eq!(answer["resumed"], true, "{answer}");
        ben.event_where("job_status", |job| job["job_id"] == missed).await;
    }
    let stranger = connected(&clients, &system.edge.url(), "eve").await;
    let answer = stranger.ask("subscribe", &json!({ "project_id": project_id })).await;
    assert_eq!(refused(&answer), "topic_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_commands_refused_all_the_time_is_held_back_before_they_are_logged() {
    /// Fewer than may wait, and more than a busy machine can refuse before it is held back.
    const COMMANDS: usize = 250;
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana"]).await;
    let clients = Clients::node().await;
    let ana = connected(&clients, &system.edge.url(), "ana").await;
    join(&ana, &session_id).await;
    let unknown = command(&session_id, &json!({ "type": "delete_node", "node_id": "b" }));
    for _ in 0..COMMANDS {
        ana.emit("execute_command", &unknown);
    }
    let named = |name: &str, field: &str, code: &str| {
        let events = ana.events().into_iter();
        let is_it = |(event, payload): &(String, Value)| event == name && payload[field] == code;
        events.filter(is_it).count()
    };
    let (refused, held_back) = eventually("every command is answered", async || {
        let refused = named("error", "code", "node_not_found");
        let held_back = named("error", "code", "rate_limited");
        (refused + held_back == COMMANDS).then_some((refused, held_back))
    })
    .await;
    assert!(refused > 40 && held_back > 0, "{refused} refused, {held_back} held back");
    eventually("all that was refused is logged, and nothing else", async || {
        (named("command:failed", "error_code", "node_not_found") == refused).then_some(())
    })
    .await;
    let page = system.edge.rest(&admin("root"));
    let events = page.get(&format!("/topics/session:{session_id}/events?limit=1000")).await.ok(200);
    let logged = events["events"].as_array().unwrap().iter();
    assert_eq!(logged.filter(|event| event["type"] == "command.failed").count(), refused);
}
