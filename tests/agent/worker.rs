//! The Rust worker under faults of the core.

use serde_json::json;

use super::testrun::{Stage, id, script};
use crate::support::log_reader::read_log_by_rest;
use crate::support::{Agent, Core, eventually, within};

const CASES: usize = 200;
/// A run of some seconds, through two restarts of a core on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_through_kills_of_the_core_and_every_case_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::set().await;
    let run = format!("for n in $(seq 1 {CASES}); do echo \"ok $n - case $n\"; sleep 0.02; done");
    let _agent = Agent::start(&stage.system.core.url(), &script(folder.path(), &run));
    let mut stream = stage.follow().await;
    let asked = stage.ask(&json!({})).await;
    stream.until(|frame| frame.event == "test_result").await;
    for _ in 0..2 {
        stage.system.core.kill();
        stage.system.core.restart().await;
    }

    let job = within(PATIENCE, "the run has completed", async || {
        let answer = stage.rest.try_get(&format!("/jobs/{}", id(&asked))).await?;
        Some(answer.json()).filter(|job| job["status"] == "completed")
    });
    let job = job.await;
    assert_eq!((&job["attempt"], &job["result"]["total"]), (&json!(1), &json!(CASES)));
    let log = read_log_by_rest(&stage.rest, &format!("job:{}", id(&asked))).await;
    let told: Vec<_> =
        log.iter().filter(|event| event.content.starts_with("test_result")).collect();
    assert_eq!(told.len(), CASES, "each once");
    for (n, event) in told.iter().enumerate() {
        assert!(event.content.contains(&format!("\"case {}\"", n + 1)), "{}", event.content);
    }
    let output = stage.rest.get(&format!("/jobs/{}/output", id(&asked))).await.text;
    assert_eq!(output.lines().count(), CASES, "and its output has no hole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_without_a_core_says_once_why_and_when_it_has_one() {
    let (mut core, folder) = (Core::start().await, tempfile::tempdir().unwrap());
    core.kill();
    let mut agent = Agent::start(&core.url(), &script(folder.path(), "true"));
    let mut told = async |words: &str| {
        eventually(words, async || {
            let lines = agent.process().stderr_lines();
            lines.iter().any(|line| line.contains(words)).then_some(lines)
        })
        .await
    };
    told("the core does not answer").await;
    core.restart().await;
    let lines = told("the core answers again").await;
    let without = lines.iter().filter(|line| line.contains("the core does not answer"));
    assert_eq!(without.count(), 1, "{lines:?}");
}
