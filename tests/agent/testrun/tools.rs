//! Real tools, run for real.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Stage, id, processes_with, told, workspace};
use crate::support::{Agent, Clients, admin, eventually, tests_folder};

const RUST_TESTS: &str = r#"
pub fn half(n: u32) -> u32 { n / 2 }

#[cfg(test)]
mod tests {
    #[test]
    fn halves_what_is_even() { assert_eq!(super::half(4), 2); }

    #[test]
    fn halves_what_is_odd() { assert_eq!(super::half(3), 2, "rounded up"); }

    #[test]
    #[ignore = "needs a friend"]
    fn shares() {}
}
"#;

const PYTHON_TESTS: &str = "
import pytest

@pytest.mark.parametrize('n', [2, 4])
def test_even(n):
    assert n % 2 == 0

def test_odd():
    assert 3 % 2 == 0

@pytest.mark.skip(reason='later')
def test_later():
    pass
";

fn rust_crate(folder: &Path) {
    let manifest = "[package]\nname = \"halves\"\nedition = \"2024\"\n[lib]\ndoctest = false\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), RUST_TESTS).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rust_crates_tests_are_told_case_by_case_to_everybody_in_the_project() {
    let folder = tempfile::tempdir().unwrap();
    rust_crate(folder.path());
    let stage = Stage::set().await;
    let run = ["cargo", "test", "--offline", "--target-dir", "target"];
    let settings = workspace(folder.path(), &run, "cargo");
    let _agent = Agent::start(&stage.system.core.url(), &settings);
    let clients = [Clients::node().await, Clients::python().await];
    let sockets = clients
        .each_ref()
        .map(|clients| clients.connect(&stage.system.edge.url(), Some(&admin("olga"))));
    for socket in &sockets {
        socket.connected().await;
        let joined = socket.ask("subscribe", &json!({ "project_id": stage.project_id })).await;
        assert_eq!(joined["ok"], true, "{joined}");
    }

    let asked = stage.ask(&json!({})).await;
    let mut seen = Vec::new();
    for socket in &sockets {
        let completed = socket.event("test_completed").await;
        let counts = ["passed", "failed", "skipped", "errors", "total", "exit_code"];
        assert_eq!(counts.map(|count| completed[count].as_i64().unwrap()), [1, 1, 1, 0, 3, 101]);
        assert_eq!(completed["outcome"], "failed");
        let events: Vec<_> =
            socket.events().into_iter().filter(|(name, _)| name.starts_with("test_")).collect();
        assert_eq!(events.first().unwrap().0, "test_started");
        assert_eq!(events.last().unwrap().0, "test_completed");
        for (_, payload) in &events {
            assert_eq!(payload["trace_id"], asked["trace_id"], "{payload}");
            assert_eq!(payload["job_id"], asked["job_id"], "{payload}");
        }
        let results = events.iter().filter(|(name, _)| name == "test_result");
        let expected = [
            "tests::halves_what_is_even passed",
            "tests::halves_what_is_odd failed",
            "tests::shares skipped",
        ];
        assert_eq!(told(results.map(|(_, payload)| payload)), expected);
        seen.push(events);
    }
    assert_eq!(seen[0], seen[1], "everybody is told the same");

    let job = eventually("the job has ended", async || {
        Some(stage.job(&asked).await).filter(|job| job["status"] == "completed")
    });
    assert_eq!(job.await["result"]["failed"], 1);
    let output = stage.rest.get(&format!("/jobs/{}/output", id(&asked))).await.text;
    assert!(output.contains("rounded up"), "what failing tests wrote is there: {output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pytests_cases_are_told_over_server_sent_events() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("test_numbers.py"), PYTHON_TESTS).unwrap();
    let stage = Stage::set().await;
    let python = tests_folder().join("../.venv/bin/python");
    let run = [python.to_str().unwrap(), "-m", "pytest", "-p", "no:cacheprovider"];
    let settings = workspace(folder.path(), &run, "pytest");
    let _agent = Agent::start(&stage.system.core.url(), &settings);

    let mut stream = stage.follow().await;
    let asked = stage.ask(&json!({ "command": "unit" })).await;
    let frames = stream.until(|frame| frame.event == "test_completed").await;
    let results: Vec<_> = frames.iter().filter(|frame| frame.event == "test_result").collect();
    assert_eq!(
        told(results.iter().map(|frame| &frame.data)),
        ["test_even[2] passed", "test_even[4] passed", "test_later skipped", "test_odd failed"]
    );
    assert!(results.iter().all(|frame| frame.data["suite"] == "test_numbers.py"));
    let completed = &frames.last().unwrap().data;
    assert_eq!((&completed["total"], &completed["exit_code"]), (&json!(4), &json!(1)));
    assert_eq!(completed["trace_id"], asked["trace_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_configured_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    let marker = "sleep 86399.101";
    let settings = workspace(folder.path(), &["sh", "-c", marker], "tap");
    let of_another = settings.replace("workspaces.default", "workspaces.another-project");
    let refused = async |asked: Value| {
        let job = eventually("the job has failed", async || {
            Some(stage.job(&asked).await).filter(|job| job["status"] == "failed")
        });
        job.await["error_code"].as_str().unwrap_or_default().to_owned()
    };
    {
        let _agent = Agent::start(&stage.system.core.url(), &of_another);
        let asked = stage.ask(&json!({})).await;
        assert_eq!(refused(asked).await, "workspace_not_configured");
    }
    let _agent = Agent::start(&stage.system.core.url(), &settings);
    let asked = stage.ask(&json!({ "command": "other" })).await;
    assert_eq!(refused(asked).await, "command_not_allowed");
    assert_eq!(processes_with(marker), Vec::<String>::new(), "nothing was started");
}
