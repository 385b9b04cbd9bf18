//! Projects and sessions from the command line.

use roomcast_identity::Scope;
use serde_json::Value;

use crate::support::{Core, finish, roomcast, service, user};

/// A user at a terminal.
struct Terminal<'core> {
    core: &'core Core,
    user: &'static str,
}

impl Terminal<'_> {
    async fn run(&self, arguments: &[&str]) -> crate::support::Finished {
        let mut command = roomcast(arguments);
        command
            .args(["-o", "json"])
            .env("ROOMCAST_CORE", self.core.url())
            .env("ROOMCAST_TOKEN", user(self.user))
            .env("ROOMCAST_SERVICE_TOKEN", service(&[Scope::Edge]));
        finish(&mut command).await
    }

    /// The lines of a command that went well.
    async fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.run(arguments).await.ok();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn one(&self, arguments: &[&str]) -> Value {
        let lines = self.lines(arguments).await;
        let [line] = &lines[..] else { panic!("{arguments:?}: {lines:?}") };
        line.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_made_edited_watched_and_ended_from_the_command_line() {
    let core = Core::start().await;
    let ana = Terminal { core: &core, user: "ana" };
    let project = ana.one(&["project", "create", "kitchen"]).await;
    let project = project["id"].as_str().unwrap();
    assert_eq!(ana.one(&["project", "list"]).await["name"], "kitchen");
    let member = ["project", "member", "set", project, "ben", "--role", "editor"];
    assert_eq!(ana.one(&member).await["role"], "editor");
    assert_eq!(ana.lines(&["project", "member", "list", project]).await.len(), 2);

    let session = ana.one(&["session", "create", project, "--name", "draft"]).await;
    let session = session["session_id"].as_str().unwrap();
    let ben = Terminal { core: &core, user: "ben" };
    assert_eq!(ben.one(&["session", "list", project]).await["name"], "draft");
    let node = r#"{"type":"create_node","node_id":"a","node_type":"item","name":"Sink","properties":{"k":1.0}}"#;
    let made = ben.one(&["session", "exec", session, node, "--expected-version", "0"]).await;
    assert_eq!(made["changes"][0]["type"], "graph.node_created");
    let again = ben.run(&["session", "exec", session, node]).await;
    assert!(again.code == Some(1) && again.err.contains("node_exists"), "{}", again.err);
    let wrong = ben.run(&["session", "exec", session, r#"{"type":"delete_node"}"#]).await;
    assert!(wrong.code == Some(2) && wrong.err.contains("command.node_id"), "{}", wrong.err);
    assert_eq!(ben.one(&["session", "undo", session]).await["version"], 2);
    assert_eq!(ben.one(&["session", "redo", session]).await["version"], 3);
    assert_eq!(ben.one(&["session", "save", session, "first"]).await["version"], 1);
    assert_eq!(ben.one(&["session", "load", session, "first"]).await["graph_version"], 4);
    assert_eq!(ben.one(&["session", "saves", session]).await["name"], "first");
    let graph = ben.run(&["session", "graph", session]).await.ok();
    assert!(graph.contains(r#""properties":{"k":1.0}"#), "{graph}");

    assert_eq!(ben.run(&["session", "close", session]).await.code, Some(4), "an owner may");
    assert_eq!(ana.one(&["session", "close", session]).await["closed"], true);
    let seen = ana.lines(&["session", "watch", session]).await;
    assert_eq!(seen[0]["session"]["graphs"][0]["version"], 4, "as it was left");
    let shown = ana.one(&["session", "get", session]).await;
    assert_eq!(shown["graphs"][0]["node_count"], 1);
    ana.run(&["project", "member", "remove", project, "ben"]).await.ok();
    assert_eq!(ben.run(&["project", "get", project]).await.code, Some(3));
    ana.run(&["project", "delete", project]).await.ok();
    assert_eq!(ana.run(&["session", "get", session]).await.code, Some(3));
}
