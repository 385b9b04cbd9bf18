//! Who may publish from a browser, and what.

use serde_json::{Value, json};

use super::{shown, system};
use crate::support::{Clients, Dev, eventually, user, user_with_role};

const ROOMS: &str = r#"
    agents.publish.agent_status_update = ["role:agent"]
    tasks.publish = { task_update = "everyone" }
    chat.publish = "everyone"
"#;

fn code(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"]["code"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_publishes_what_its_role_lets_it() {
    let system = system(ROOMS).await;
    for clients in [Clients::node().await, Clients::python().await] {
        let agent = user_with_role("a1", "agent");
        let agent = shown(&clients, &system, &agent, &json!({})).await;
        let ana = shown(&clients, &system, &user("ana"), &json!({})).await;
        let data = json!({ "agent_id": "a1", "status": "active", "metadata": { "cpu": 75 } });
        let answer = agent.ask("agent_status_update", &data).await;
        assert_eq!(answer["ok"], true, "{answer}");
        let id = &answer["event_id"];
        let got = ana.event_where("agent_status_update", |got| got["event_id"] == *id).await;
        assert_eq!(got["data"], data);
        assert_eq!(ana.ask("task_update", &json!({ "task_id": "t" })).await["ok"], true);
        agent.event("task_update").await;

        assert_eq!(code(&ana.ask("agent_status_update", &data).await), "permission_denied");
        for event in ["system_metrics_update", "workflow_event"] {
            assert_eq!(code(&agent.ask(event, &data).await), "permission_denied", "{event}");
        }
        // Without an acknowledgement a refusal is an event.
        ana.emit("workflow_event", &data);
        assert_eq!(ana.event("error").await["code"], "permission_denied");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_event_goes_to_any_room_that_lets_it() {
    let system = system(ROOMS).await;
    let node = Clients::node().await;
    let ana = node.connect(&system.edge.url(), Some(&user("ana")));
    ana.connected().await;
    ana.ask("join_room", &json!({ "room": "chat" })).await;
    let said = json!({ "room": "chat", "type": "said", "data": { "text": "hello" } });
    let answer = ana.ask("publish", &said).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let got = ana.event("said").await;
    assert_eq!((&got["text"], &got["cursor"]), (&json!("hello"), &answer["cursor"]));
    for (wrong, because) in [
        (json!({ "room": "nowhere", "type": "said", "data": {} }), "permission_denied"),
        (json!({ "room": "agents", "type": "said", "data": {} }), "permission_denied"),
        (json!({ "room": "dashboard", "type": "said", "data": {} }), "topic_reserved"),
        (json!({ "room": "chat", "type": "job_update", "data": {} }), "invalid_argument"),
        (json!({ "room": "chat", "type": "a b", "data": {} }), "invalid_argument"),
        (json!({ "room": "chat", "type": "said", "data": { "cursor": 1 } }), "invalid_argument"),
        (json!({ "room": "chat", "type": "said", "data": 1 }), "malformed_message"),
        (json!({ "room": "chat", "type": "said" }), "malformed_message"),
        (json!({ "room": "a b", "type": "said", "data": {} }), "malformed_message"),
        (json!({ "room": "chat", "data": {} }), "malformed_message"),
    ] {
        assert_eq!(code(&ana.ask("publish", &wrong).await), because, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_one_object_of_a_size_and_a_depth() {
    let system = system(ROOMS).await;
    let node = Clients::node().await;
    let ana = node.connect(&system.edge.url(), Some(&user("ana")));
    ana.connected().await;
    let nested = |depth: usize| {
        let text = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    for (data, because) in [
        (json!(null), "malformed_message"),
        (json!([1]), "malformed_message"),
        (json!("text"), "malformed_message"),
        (nested(65), "invalid_argument"),
    ] {
        assert_eq!(code(&ana.ask("task_update", &data).await), because, "{data}");
    }
    for data in [nested(64), json!({}), json!({ "large": "x".repeat(900_000) })] {
        assert_eq!(ana.ask("task_update", &data).await["ok"], true);
    }
}

/// What the documentation of such dashboards has browsers do, without a token, in development.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboards_own_page_works_as_it_stands() {
    let dev = Dev::start().await;
    for clients in [Clients::node().await, Clients::python().await] {
        let page = clients.connect(&dev.url(), None);
        page.connected().await;
        page.emit("join_room", &json!({ "room": "agents" }));
        let update = json!({
            "agent_id": "agent-123", "status": "active", "metadata": { "cpu": 75, "memory": 60 },
        });
        page.emit("agent_status_update", &update);
        let got = page.event_where("agent_status_update", |got| got["data"] == update).await;
        assert_eq!(
            (&got["event"], &got["room"]),
            (&json!("agent_status_update"), &json!("agents"))
        );
        page.emit("ping", &json!({}));
        page.event("pong").await;
        page.emit("leave_room", &json!({ "room": "agents" }));
        let health = dev.rest().get("/health").await.ok(200);
        assert_eq!(health["status"], "healthy");
        let sockets = &health["checks"]["socketio_manager"];
        assert_eq!(sockets["active_connections"], 1, "{sockets}");
        assert!(sockets["rooms"].as_u64().unwrap() >= 5, "{sockets}");
        assert_eq!(sockets.as_object().unwrap().len(), 2, "counts only: {sockets}");
        page.disconnect();
        eventually("nobody is left", async || {
            let health = dev.rest().get("/health").await.ok(200);
            (health["checks"]["socketio_manager"]["active_connections"] == 0).then_some(())
        })
        .await;
    }
}
