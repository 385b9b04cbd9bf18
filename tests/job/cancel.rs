//! Ending a job before its end.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_proto::v1::{CancelJobRequest, JobState, ListJobsRequest, report};

use super::{create, get};
use crate::support::worker::{progress, report as empty_report};
use crate::support::{Core, code};
use crate::support::{Dev, Process, Worker, eventually, roomcast};

/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

fn cancel(job_id: &str) -> CancelJobRequest {
    CancelJobRequest {
        job_id: job_id.to_owned(),
        reason: "no longer needed".to_owned(),
        ..CancelJobRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_job_ends_at_once_and_cancelling_again_changes_nothing() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "waits").await;
    let ended =
        core.jobs().cancel_job(cancel(&job.job_id)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(ended.state(), JobState::Cancelled);
    let again =
        core.jobs().cancel_job(cancel(&job.job_id)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(again.cursor, ended.cursor);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_learns_of_the_cancellation_and_ends_the_job() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "stoppable").await;
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("stoppable").await;
    let early = Some(report::End::Cancelled(roomcast_proto::v1::Cancellation {}));
    let mut ending = empty_report(&held, 1);
    ending.end = early.clone();
    assert_eq!(code(&worker.report(ending).await.unwrap_err()), "not_cancelling");
    core.jobs().cancel_job(cancel(&job.job_id)).await.unwrap();
    let answer = worker.report(progress(&held, 1, 10.0)).await.unwrap();
    assert_eq!(answer.cancel.expect("a notice").reason, "no longer needed");
    let mut ending = empty_report(&held, 2);
    ending.end = early;
    worker.report(ending).await.unwrap();
    assert_eq!(get(&core.jobs(), &job.job_id).await.state(), JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_under_run_is_ended_when_its_job_is_cancelled() {
    let dev = Dev::start().await;
    let mut command = roomcast(&["run", "--", "sleep", "600"]);
    let mut run = Process::spawn("run", command.env("ROOMCAST_CORE", dev.core_url()));
    let rest = dev.rest();
    let job_id = eventually("the job runs", async || {
        let jobs = rest.get("/jobs").await.ok(200);
        let job = jobs["jobs"].as_array()?.iter().find(|job| job["status"] == "running")?.clone();
        Some(job["job_id"].as_str()?.to_owned())
    })
    .await;
    rest.post(&format!("/jobs/{job_id}/cancel"), &serde_json::json!({})).await.ok(200);
    let status = run.ended(PATIENCE).await;
    assert!(!status.success());
    eventually("the job is cancelled", async || {
        let job = rest.get(&format!("/jobs/{job_id}")).await.ok(200);
        (job["status"] == "cancelled").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_goes_ends_the_command_under_run_and_its_job_unless_nobody_is_to_mind() {
    let (dev, folder) = (Dev::start().await, tempfile::tempdir().unwrap());
    let releases = ["minds", "outlives"].map(|name| folder.path().join(name));
    let script = "trap 'echo told' TERM; echo $$; until [ -e \"$RELEASE\" ]; do sleep 0.05; done";
    let spawn = |shell: &str, release: &Path| {
        let mut command = Command::new("sh");
        let binary = roomcast(&[]).get_program().to_owned();
        command.args(["-c", &format!("{shell} exec \"$0\" run -- sh -c \"$1\"")]);
        command.arg(binary).arg(script).env("RELEASE", release);
        Process::spawn("run", command.env("ROOMCAST_CORE", dev.core_url()))
    };
    let mut minds = spawn("", &releases[0]);
    let mut outlives = spawn("trap '' HUP;", &releases[1]);
    let mut commands = Vec::new();
    for run in [&minds, &outlives] {
        let pid = eventually("the command runs", async || run.stdout_lines().first().cloned());
        commands.push(format!("/proc/{}", pid.await));
        run.signal(Signal::SIGHUP);
    }
    eventually("the command is told", async || minds.stdout_lines().get(1).cloned()).await;
    // As a shell and the kernel do: it is no reason to have less patience.
    minds.signal(Signal::SIGHUP);
    std::fs::write(&releases[0], "").unwrap();
    assert_eq!(minds.ended(PATIENCE).await.code(), Some(130));
    assert!(!Path::new(&commands[0]).exists(), "the command has ended");
    let listed = dev.rest().get("/jobs?status=cancelled").await.ok(200);
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(1), "{listed}");
    std::fs::write(&releases[1], "").unwrap();
    assert!(outlives.ended(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_by_state_newest_first_and_page_by_page() {
    let core = Core::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, create(&core.jobs(), "listed").await.job_id);
    }
    core.jobs().cancel_job(cancel(&made[0])).await.unwrap();
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListJobsRequest {
            kind: "listed".to_owned(),
            states: vec![JobState::Queued.into()],
            page_size: 2,
            page_token,
            ..ListJobsRequest::default()
        };
        let page = core.jobs().list_jobs(request).await.unwrap().into_inner();
        assert!(page.jobs.len() <= 2);
        listed.extend(page.jobs.into_iter().map(|job| job.job_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, made[1..]);
}
