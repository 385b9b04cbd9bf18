//! How runs end that do not end by themselves.

use serde_json::{Value, json};

use super::{Stage, id, processes_with, script};
use crate::support::{Agent, eventually};

/// Waits until no process has this text in its command line.
async fn nothing_is_left(marker: &str) {
    eventually("no process is left", async || processes_with(marker).is_empty().then_some(()))
        .await;
}

async fn ended(stage: &Stage, asked: &Value, status: &str) -> Value {
    eventually(status, async || Some(stage.job(asked).await).filter(|job| job["status"] == status))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_cancelled_half_way_leaves_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    // It hears of nothing, and has children of its own and a daemon.
    let marker = "86399.102";
    let daemon = daemon(marker);
    let run =
        format!("trap '' TERM; {daemon}; sleep {marker} & echo 'ok 1 - one'; sleep {marker}; wait");
    let _agent = Agent::start(&stage.system.core.url(), &script(folder.path(), &run));
    let mut stream = stage.follow().await;
    let asked = stage.ask(&json!({})).await;
    stream.until(|frame| frame.event == "test_result").await;
    assert!(!processes_with(marker).is_empty(), "it runs");

    let cancel = format!("/jobs/{}/cancel", id(&asked));
    assert_eq!(stage.rest.post(&cancel, &json!({ "reason": "enough" })).await.status, 200);
    let frames = stream.until(|frame| frame.event == "test_completed").await;
    assert_eq!(frames.last().unwrap().data["outcome"], "cancelled");
    ended(&stage, &asked, "cancelled").await;
    nothing_is_left(marker).await;
}

/// Starts a daemon: with a session of its own, and no parent of the run's.
fn daemon(marker: &str) -> String {
    format!("setsid sh -c 'setsid sleep {marker} >/dev/null 2>&1 & echo $! >daemon'")
}

/// The job of a run that ends by itself, once nothing is left of it.
async fn ran(marker: &str, run: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    let _agent = Agent::start(&stage.system.core.url(), &script(folder.path(), run));
    let asked = stage.ask(&json!({})).await;
    let job = ended(&stage, &asked, "completed").await;
    nothing_is_left(marker).await;
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_a_run_has_started_ends_with_it() {
    let marker = "86399.105";
    let run =
        format!("{} && kill -0 $(cat daemon) && echo 'ok 1 - it runs'; exit 3", daemon(marker));
    let job = ran(marker, &run).await;
    assert_eq!((&job["result"]["passed"], &job["result"]["exit_code"]), (&json!(1), &json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_of_a_run_ends_with_a_killed_agent() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    let marker = "86399.106";
    let run = format!("{}; echo 'ok 1 - one'; sleep {marker}", daemon(marker));
    let mut agent = Agent::start(&stage.system.core.url(), &script(folder.path(), &run));
    let mut stream = stage.follow().await;
    stage.ask(&json!({})).await;
    stream.until(|frame| frame.event == "test_result").await;
    eventually("both run", async || {
        let sleeping = format!("sleep {marker} ");
        let running = processes_with(&sleeping);
        (running.iter().filter(|line| **line == sleeping).count() == 2).then_some(())
    })
    .await;
    agent.process().kill();
    nothing_is_left(marker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_outlives_the_signals_that_its_command_hears() {
    let marker = "86399.107";
    let signals = "for signal in HUP INT TERM; do kill -$signal $PPID; done; sh -c 'kill $$'";
    let run =
        format!("{}; {signals}; [ $? = 143 ] && echo 'ok 1 - it hears'; exit 3", daemon(marker));
    let job = ran(marker, &run).await;
    assert_eq!((&job["result"]["passed"], &job["result"]["exit_code"]), (&json!(1), &json!(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_by_a_real_time_signal_is_an_end_as_any_other() {
    let marker = "86399.108";
    // The guard takes the orphan's end while the run goes on, and then the run's own.
    let orphan = "(sh -c 'kill -40 $$' & echo $! >orphan)";
    let taken = "while kill -0 $(cat orphan) 2>/dev/null; do sleep 0.01; done";
    let run = format!("{}; {orphan}; {taken}; echo 'ok 1 - one'; kill -40 $$", daemon(marker));
    let job = ran(marker, &run).await;
    let result = &job["result"];
    assert_eq!((&result["outcome"], &result["passed"]), (&json!("failed"), &json!(1)));
    assert!(result["signal"].is_i64(), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_is_ended_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    let marker = "86399.103";
    let settings = script(folder.path(), &format!("echo 'ok 1 - one'; sleep {marker}"));
    let settings = settings.replace("\"tap\"", "\"tap\", timeout_seconds = 1");
    let _agent = Agent::start(&stage.system.core.url(), &settings);
    let asked = stage.ask(&json!({})).await;
    let failed = ended(&stage, &asked, "failed").await;
    assert_eq!(failed["error_code"], "test_timeout");
    nothing_is_left(marker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_agents_tests_die_with_it_and_run_again_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set().await;
    let marker = "86399.104";
    let run = format!(
        "echo 'ok 1 - first'; [ -e again ] || {{ touch again; sleep {marker}; }}; echo 'ok 2 - last'"
    );
    let mut agent = Agent::start(&stage.system.core.url(), &script(folder.path(), &run));
    let mut stream = stage.follow().await;
    let asked = stage.ask(&json!({})).await;
    stream.until(|frame| frame.event == "test_result").await;

    agent.kill_and_replace();
    nothing_is_left(marker).await;
    let frames = stream.until(|frame| frame.event == "test_completed").await;
    let of_run = frames.iter().filter(|frame| frame.event.starts_with("test_"));
    let told: Vec<_> =
        of_run.map(|frame| (frame.event.as_str(), frame.data["attempt"].as_u64())).collect();
    let second = told[0].1;
    assert!(second > Some(0), "{told:?}");
    let names = ["test_started", "test_result", "test_result", "test_completed"];
    assert_eq!(told, names.map(|name| (name, second)), "the next attempt begins clean");
    ended(&stage, &asked, "completed").await;
}
