//! Guarantee 8, and the fencing of 7: a worker that is gone is noticed within its lease, its job goes on
//! elsewhere or ends, and what it writes afterwards is refused.

use std::time::{Duration, Instant};

use roomcast_identity::Scope;
use roomcast_proto::v1::{JobState, ListJobsRequest, ReadJobOutputRequest, Report};

use super::{create, get};
use crate::support::log_reader::read_log;
use crate::support::worker::{completed, output, progress};
use crate::support::{Core, Dev, Process, Worker, code, eventually, roomcast, service, within};

/// How long a lease is.
const LEASE: Duration = Duration::from_secs(15);
/// What noticing and telling take on two busy cores.
const SLACK: Duration = Duration::from_secs(5);
/// A run ends by itself.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_workers_job_is_taken_over_within_its_lease_and_its_late_writes_are_fenced() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "inherited").await;
    let dead = Worker::new("dead", core.jobs());
    let lost = dead.lease("inherited").await;
    dead.report(output(&lost, 1, 0, "from the dead\n")).await.unwrap();
    let died = Instant::now();

    let heir = Worker::new("heir", core.jobs());
    let held = heir.lease("inherited").await;
    assert!(died.elapsed() <= LEASE + SLACK, "{:?}", died.elapsed());
    assert!(held.fence > lost.fence);
    heir.report(output(&held, 1, 0, "from the heir\n")).await.unwrap();
    assert_eq!(get(&core.jobs(), &job.job_id).await.attempt, 2);

    for late in [output(&lost, 2, 14, "late\n"), progress(&lost, 2, 99.0), completed(&lost, 2)] {
        let refused = dead.report(late).await.unwrap_err();
        assert_eq!(code(&refused), "fenced");
    }
    heir.report(completed(&held, 2)).await.unwrap();
    let refused = dead.report(completed(&lost, 2)).await.unwrap_err();
    assert!(["fenced", "job_ended"].contains(&code(&refused)), "{refused:?}");

    assert_eq!(get(&core.jobs(), &job.job_id).await.state(), JobState::Completed);
    let read = |attempt| ReadJobOutputRequest {
        job_id: job.job_id.clone(),
        attempt,
        ..ReadJobOutputRequest::default()
    };
    for (attempt, expected) in [(1, "from the dead\n"), (2, "from the heir\n")] {
        let answer = core.jobs().read_job_output(read(attempt)).await.unwrap().into_inner();
        assert_eq!(String::from_utf8_lossy(&answer.data), expected);
    }
    let log = read_log(&core.broadcast(), &format!("job:{}", job.job_id)).await;
    assert_eq!(log.iter().filter(|event| event.is_end).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_ends_its_job_within_its_lease_and_nobody_can_write_to_it_after() {
    let dev = Dev::start().await;
    let script = "for i in $(seq 1 1000); do echo step $i/1000; sleep 0.05; done";
    let mut command = roomcast(&["run", "--", "sh", "-c", script]);
    let mut run = Process::spawn("run", command.env("ROOMCAST_CORE", dev.core_url()));
    let rest = dev.rest();
    let job_id = eventually("the job is well under way", async || {
        let jobs = rest.get("/jobs").await.ok(200);
        let job = jobs["jobs"].as_array()?.first()?.clone();
        let has_written = job["output_bytes"]["stdout"].as_u64()? > 0;
        has_written.then(|| job["job_id"].as_str().unwrap().to_owned())
    })
    .await;
    run.kill();
    let ended = within(LEASE + SLACK, "the lost worker is noticed", async || {
        let job = rest.get(&format!("/jobs/{job_id}")).await.ok(200);
        (job["status"] == "failed").then_some(job)
    })
    .await;
    assert_eq!(ended["error_code"], "worker_lost");

    let jobs = crate::support::Caller::nobody().jobs(dev.channel());
    let mut late = Report { job_id, fence: 1, number: 1_000_000, ..Report::default() };
    for fence in 1..=2 {
        late.fence = fence;
        let refused = Worker::new("ghost", jobs.clone()).report(late.clone()).await.unwrap_err();
        assert!(["fenced", "job_ended"].contains(&code(&refused)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_through_a_kill_of_the_core_and_nothing_of_its_output_is_lost() {
    let mut core = Core::start().await;
    let script = "for i in $(seq 1 60); do echo step $i/60; sleep 0.05; done";
    let mut command = roomcast(&["run", "--", "sh", "-c", script]);
    let token = service(&[Scope::Admin]);
    command.env("ROOMCAST_CORE", core.url()).env("ROOMCAST_SERVICE_TOKEN", token);
    let mut run = Process::spawn("run", &mut command);
    let job_id = eventually("the job is well under way", async || {
        let jobs = core.jobs().list_jobs(ListJobsRequest::default()).await.ok()?.into_inner().jobs;
        let job = jobs.into_iter().next()?;
        (job.output_bytes.get("stdout")? > &0).then_some(job.job_id)
    })
    .await;
    core.kill();
    core.restart().await;
    assert!(run.ended(PATIENCE).await.success());
    let ended = get(&core.jobs(), &job_id).await;
    assert_eq!((ended.state(), ended.attempt), (JobState::Completed, 1));
    let request = ReadJobOutputRequest { job_id, ..ReadJobOutputRequest::default() };
    let output = core.jobs().read_job_output(request).await.unwrap().into_inner().data;
    let steps: Vec<String> = (1..=60).map(|step| format!("step {step}/60\n")).collect();
    assert_eq!(String::from_utf8_lossy(&output), steps.concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_outlives_an_outage_of_the_core_with_its_lease() {
    let mut core = Core::start().await;
    let job = create(&core.jobs(), "patient").await;
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("patient").await;
    core.kill();
    core.restart().await;
    worker.report_through(completed(&held, 1)).await;
    let ended = get(&core.jobs(), &job.job_id).await;
    assert_eq!((ended.state(), ended.attempt), (JobState::Completed, 1));
}
