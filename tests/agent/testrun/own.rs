//! This project's own tests, run by its own agent, and told as the tools themselves list them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{Stage, workspace};
use crate::support::{Agent, tests_folder, within};

/// A crate is built first, on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(150);

fn tree() -> PathBuf {
    tests_folder().join("..").canonicalize().expect("the tree")
}

/// What a tool lists without running it.
fn listed(folder: &Path, argv: &[&str]) -> String {
    let output = Command::new(argv[0]).args(&argv[1..]).current_dir(folder).output();
    String::from_utf8(output.expect("it runs").stdout).expect("text")
}

/// Each of these cases is told once and has passed, and they are all.
async fn check(settings: &str, expected: BTreeSet<String>) {
    assert!(!expected.is_empty(), "there are tests");
    let stage = Stage::set().await;
    let _agent = Agent::start(&stage.system.core.url(), settings);
    let mut stream = stage.follow().await;
    let asked = stage.ask(&json!({})).await;
    within(PATIENCE, "the job ends", async || {
        let job = stage.job(&asked).await;
        job["completed_at"].is_string().then_some(())
    })
    .await;
    let frames = stream.until(|frame| frame.event == "test_completed").await;
    let results: Vec<_> = frames.iter().filter(|frame| frame.event == "test_result").collect();
    assert_eq!(results.len(), expected.len(), "each once");
    let told = results.iter().map(|result| {
        assert_eq!(result.data["status"], "passed", "{}", result.data);
        result.data["name"].as_str().expect("a name").to_owned()
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), expected);
    assert_eq!(frames.last().unwrap().data["outcome"], "passed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_projects_python_tests_are_told_case_by_case() {
    let folder = tree().join("clients/python");
    let python = tree().join(".venv/bin/python");
    // Those that need no server.
    let run = [
        python.to_str().unwrap(),
        "-m",
        "pytest",
        "tests/test_ring.py",
        "tests/test_errors.py",
        "-k",
        "test_ring or address or json",
    ];
    let collected = listed(&folder, &[&run[..], &["--collect-only", "-q"]].concat());
    let cases = collected.lines().filter_map(|line| line.split_once("::"));
    let cases = cases.map(|(_, name)| name.to_owned()).collect();
    check(&workspace(&folder, &run, "pytest"), cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crate_of_this_project_is_tested_case_by_case() {
    // A crate without dependencies, in a folder of its own: another build may go on in `target`.
    let run = "cargo test --offline --locked -p roomcast-wire --target-dir target/agent";
    let run: Vec<_> = run.split_whitespace().collect();
    let list = listed(&tree(), &[&run[..], &["--", "--list", "--format", "terse"]].concat());
    let cases = list.lines().filter_map(|line| line.strip_suffix(": test").map(str::to_owned));
    check(&workspace(&tree(), &run, "cargo"), cases.collect()).await;
}
