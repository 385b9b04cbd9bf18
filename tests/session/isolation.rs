//! What an attacker gets of another's session: nothing, whatever is guessed, stolen or replayed.

use std::time::{Duration, Instant};

use roomcast_proto::v1;
use serde_json::{Value, json};

use super::{command, execute, join, node, open_for, refused, sessions, set_role, stored};
use crate::support::{Clients, Socket, System, Token, admin_of, eventually, user};

/// Losing a right ends delivery within this.
const PROMISED: Duration = Duration::from_secs(5);

/// Everything of a session that it was told.
fn heard_of(socket: &Socket, session_id: &str) -> Vec<(String, Value)> {
    let topic = format!("session:{session_id}");
    let is_of = |payload: &Value| payload["topic"] == topic || payload["session_id"] == session_id;
    let events = socket.events().into_iter();
    // An error says which topic a client may not have.
    events.filter(|(name, payload)| name != "error" && is_of(payload)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_finds_no_session_by_id_cursor_or_command() {
    let system = System::start().await;
    let (project_id, session_id) = open_for(&system.core, &["ana"]).await;
    let (_, own) = open_for(&system.core, &["eve"]).await;
    let clients = Clients::node().await;
    let url = system.edge.url();
    let ana = clients.connect(&url, Some(&user("ana")));
    ana.connected().await;
    join(&ana, &session_id).await;
    let stolen = execute(&ana, &session_id, &node("a")).await["cursor"].clone();
    let before = stored(&system.core, &session_id).await;

    let topic = format!("session:{session_id}");
    let strangers: [Token; 2] = [user("eve"), admin_of("elsewhere", "root")];
    let namespaces = [url.clone(), format!("{url}/graph")];
    for (token, url) in
        strangers.iter().flat_map(|token| namespaces.iter().map(move |url| (token, url)))
    {
        let auth = json!({ "session_id": session_id });
        let options = json!({ "auth": auth, "cursors": { &topic: stolen } });
        let eve = clients.connect_with(url, Some(token), options);
        assert_eq!(eve.event("error").await["code"], "session_not_found");
        let this = json!({ "session_id": session_id });
        for join in [this.clone(), json!({ "session_id": session_id, "since": stolen })] {
            assert_eq!(refused(&eve.ask("join_session", &join).await), "session_not_found");
        }
        for (event, argument) in [
            ("execute_command", command(&session_id, &node("eve"))),
            ("undo", this.clone()),
            ("redo", this.clone()),
        ] {
            assert_eq!(refused(&eve.ask(event, &argument).await), "session_not_found", "{event}");
        }
        let project = json!({ "project_id": project_id });
        assert_eq!(refused(&eve.ask("subscribe", &project).await), "topic_not_found");
        // A room of that name is another topic.
        eve.ask("join_room", &json!({ "room": session_id })).await;
        let spelled = eve.ask("join_session", &json!({ "session_id": topic })).await;
        assert_eq!(refused(&spelled), "malformed_message");
        execute(
            &ana,
            &session_id,
            &json!({
                "type": "set_property", "node_id": "a", "key": "k", "value": 1,
            }),
        )
        .await;
        assert_eq!(eve.ask("ping", &json!({})).await["ok"], true);
        assert_eq!(heard_of(&eve, &session_id), []);
    }
    let after = stored(&system.core, &session_id).await;
    assert_eq!(
        before["nodes"].as_object().unwrap().len(),
        after["nodes"].as_object().unwrap().len()
    );

    // Another session's cursor is no place in one's own.
    let eve = clients.connect(&url, Some(&user("eve")));
    eve.connected().await;
    let since = json!({ "session_id": own, "since": stolen });
    let answer = eve.ask("join_session", &since).await;
    assert_eq!((&answer["resumed"], &answer["reset"]), (&json!(false), &json!("forked")));
    let reset = eve.event("reset").await;
    assert_eq!(reset["snapshot"]["session"]["session_id"], own);
    assert_eq!(heard_of(&eve, &session_id), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let system = System::start().await;
    let (project_id, session_id) = open_for(&system.core, &["ana"]).await;
    set_role(&system.core, &project_id, "vic", v1::Role::Viewer).await;
    let clients = Clients::node().await;
    let ana = clients.connect(&system.edge.url(), Some(&user("ana")));
    let vic = clients.connect(&format!("{}/graph", system.edge.url()), Some(&user("vic")));
    for socket in [&ana, &vic] {
        socket.connected().await;
        join(socket, &session_id).await;
    }
    execute(&ana, &session_id, &node("a")).await;
    vic.event("node-created").await;
    for (event, argument) in [
        ("execute_command", command(&session_id, &node("b"))),
        ("undo", json!({ "session_id": session_id })),
    ] {
        assert_eq!(refused(&vic.ask(event, &argument).await), "permission_denied", "{event}");
    }
    let stored = stored(&system.core, &session_id).await;
    assert_eq!(stored["nodes"].as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_member_any_more_hears_nothing_after_five_seconds() {
    let system = System::start().await;
    let (project_id, session_id) = open_for(&system.core, &["ana", "ben"]).await;
    let clients = Clients::node().await;
    let ana = clients.connect(&system.edge.url(), Some(&user("ana")));
    let bens = [system.edge.url(), format!("{}/graph", system.edge.url())]
        .map(|url| clients.connect(&url, Some(&user("ben"))));
    for socket in [&ana, &bens[0], &bens[1]] {
        socket.connected().await;
        join(socket, &session_id).await;
    }
    execute(&ana, &session_id, &node("before")).await;
    for (ben, name) in bens.iter().zip(["graph:node-created", "node-created"]) {
        ben.event(name).await;
    }
    let user_id = "ben".to_owned();
    let removal = v1::RemoveMemberRequest { project_id, user_id };
    sessions(&system.core).remove_member(removal).await.unwrap();
    let removed = Instant::now();
    let mut edits = 0;
    for ben in &bens {
        eventually("it is told that the right is gone", async || {
            edits += 1;
            execute(&ana, &session_id, &node(&format!("during-{edits}"))).await;
            let mut events = ben.events().into_iter();
            events.find(|(name, told)| name == "error" && told["code"] == "session_not_found")
        })
        .await;
    }
    assert!(removed.elapsed() < PROMISED, "{:?}", removed.elapsed());
    let heard: Vec<_> = bens.iter().map(|ben| heard_of(ben, &session_id).len()).collect();
    execute(&ana, &session_id, &node("after")).await;
    for (ben, heard) in bens.iter().zip(heard) {
        assert_eq!(ben.ask("ping", &json!({})).await["ok"], true);
        assert_eq!(heard_of(ben, &session_id).len(), heard);
        let again = ben.ask("join_session", &json!({ "session_id": session_id })).await;
        assert_eq!(refused(&again), "session_not_found");
        let edit = ben.ask("execute_command", &command(&session_id, &node("ben"))).await;
        assert_eq!(refused(&edit), "session_not_found");
    }
}
