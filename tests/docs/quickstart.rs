//! The commands of README.md and of the guides (docs/guides/quickstart.md, docs/guides/sessions.md,
//! docs/guides/dashboard.md, docs/guides/agent.md), run as they stand: every `sh` block of a page, in
//! order, in one shell, against a `roomcast dev` of the test's own. A block marked `server` starts that
//! server; one marked `needs: …` is for people. What docs/guides/python.md tells is run by clients/python/tests/test_docs.py.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Dev, finish, roomcast, tests_folder};

#[tokio::test]
async fn the_first_minute_of_the_readme_works_as_it_stands() {
    let said = follow("README.md").await;
    assert!(said.contains("step 50/50"), "{said}");
}

#[tokio::test]
async fn every_command_of_the_quickstart_works_as_it_stands() {
    let said = follow("docs/guides/quickstart.md").await;
    for expected in [
        "step 50/50",
        "event: snapshot",
        "event: closed",
        "job_update completed 100",
        "'ok': True",
        "ok: true",
        "roomcast.v1.JobService/CreateJob",
        "JOB_STATE_COMPLETED",
        "hello again",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn every_command_of_the_guide_to_sessions_works_as_it_stands() {
    let said = follow("docs/guides/sessions.md").await;
    for expected in [
        "graph.node_linked",
        "\"old_value\": 600",
        "node_has_children",
        "version_conflict",
        "graph.node_deleted",
        "event: graph:property-changed",
        "event: command:undo",
        "event: project:loaded",
        "0 to undo, 1 to redo",
        "event: session:closed",
        "event: closed",
        "session_not_found",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn every_command_of_the_guide_to_the_dashboard_works_as_it_stands() {
    let said = follow("docs/guides/dashboard.md").await;
    for expected in [
        r#"agent_status_update agents {"agent_id":"a1","status":"starting"}"#,
        r#"system_metrics_update metrics {"cpu":0.4}"#,
        "'ok': True",
        r#"task_update tasks {"task_id":"t1","status":"done"}"#,
        "topic: 'room:tasks'",
        "task t2",
        "\"room:dashboard\": 1",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[tokio::test]
async fn every_command_of_the_guide_to_the_agent_works_as_it_stands() {
    let said = follow("docs/guides/agent.md").await;
    for expected in [
        "event: test_started",
        r#""name":"test_even""#,
        r#""status":"passed""#,
        r#""name":"test_odd""#,
        r#""status":"failed""#,
        "event: test_completed",
        r#""exit_code":1"#,
        "assert (3 // 2) == 2",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

/// Runs a page and returns what its commands said.
async fn follow(page: &str) -> String {
    let text = std::fs::read_to_string(root().join(page)).expect("the page");
    let dev = Dev::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script(&text, &dev)])
        .current_dir(folder.path())
        .env("PATH", search_path())
        .env("NODE_PATH", tests_folder().join("node/node_modules"))
        .env("ROOMCAST_CORE", dev.core_url());
    finish(&mut shell).await.ok()
}

/// The page's blocks as one script, at the addresses of the test's server.
fn script(page: &str, dev: &Dev) -> String {
    // What a page leaves running would hold this script's output open, however the script ends.
    let mut script =
        String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n");
    for block in blocks(page) {
        match block.needs {
            "" => script.push_str(block.text),
            "server" => check_server(block.text),
            needs => assert!(needs.starts_with("needs: "), "{needs}"),
        }
    }
    let address = |url: String| url.trim_start_matches("http://").to_owned();
    script
        .replace("127.0.0.1:8000", &address(dev.url()))
        .replace("127.0.0.1:50051", &address(dev.core_url()))
}

/// The command that starts the server is the one this test has started.
fn check_server(command: &str) {
    assert_eq!(command.trim(), "make run");
    let plan = Command::new("make").args(["-n", "run"]).current_dir(root()).output();
    let plan = String::from_utf8(plan.expect("make").stdout).expect("text");
    assert!(plan.contains("--package roomcast -- dev"), "{plan}");
}

pub(super) struct Block<'a> {
    pub(super) needs: &'a str,
    pub(super) text: &'a str,
}

pub(super) fn blocks(page: &str) -> impl Iterator<Item = Block<'_>> {
    page.split("\n```sh").skip(1).map(|rest| {
        let (needs, rest) = rest.split_once('\n').expect("a line after the opening");
        let end = rest.find("\n```").expect("an end of the block");
        Block { needs: needs.trim(), text: &rest[..=end] }
    })
}

/// The programs that the pages speak of: `roomcast`, `python3` with its clients, `buf`.
pub(super) fn search_path() -> String {
    let binary = PathBuf::from(roomcast(&[]).get_program());
    let own = [
        binary.parent().expect("a folder").to_owned(),
        root().join(".venv/bin"),
        tests_folder().join("node/node_modules/.bin"),
    ];
    let inherited = std::env::var("PATH").unwrap_or_default();
    let own: Vec<String> = own.iter().map(|folder| folder.display().to_string()).collect();
    format!("{}:{inherited}", own.join(":"))
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
