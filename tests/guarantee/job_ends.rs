//! 8. A job always ends. That a lost worker is noticed within its lease is shown in `job::lost_worker`.

use std::time::Duration;

use roomcast_proto::v1::{CreateJobRequest, JobState, RetryPolicy, Timeouts};

use crate::support::log_reader::read_log;
use crate::support::{Core, Worker, eventually};

/// Time that a worker has to take a job and to tell of it once, on a busy machine.
const AT_WORK: Duration = Duration::from_secs(3);

fn span(limit: Duration) -> Option<prost_types::Duration> {
    Some(limit.try_into().expect("a short time"))
}

/// A job with these timeouts ends with this code, once, and that is its last event. A worker takes it
/// if `is_taken`, and then says nothing more.
async fn ends(expected: &str, timeouts: Timeouts, is_taken: bool) {
    let core = Core::start().await;
    let request = CreateJobRequest {
        kind: "endless".to_owned(),
        timeouts: Some(timeouts),
        retry: Some(RetryPolicy { max_attempts: 1, ..RetryPolicy::default() }),
        ..CreateJobRequest::default()
    };
    let job = core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    if is_taken {
        let worker = Worker::new("silent", core.jobs());
        let held = worker.lease("endless").await;
        let first = crate::support::worker::progress(&held, 1, 1.0);
        worker.report(first).await.unwrap();
    }
    let request = roomcast_proto::v1::GetJobRequest { job_id: job.job_id.clone() };
    let ended = eventually("the job has ended", async || {
        let job = core.jobs().get_job(request.clone()).await.unwrap().into_inner().job.unwrap();
        (job.state() == JobState::Failed).then_some(job)
    })
    .await;
    assert_eq!(ended.error.unwrap().code, expected);
    let log = read_log(&core.broadcast(), &format!("job:{}", job.job_id)).await;
    assert_eq!(log.iter().filter(|event| event.is_end).count(), 1);
    assert!(log.last().unwrap().is_end);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_always_ends_when_no_worker_takes_it() {
    let schedule_to_start = span(Duration::from_millis(300));
    ends("no_worker", Timeouts { schedule_to_start, ..Timeouts::default() }, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_always_ends_when_an_attempt_takes_too_long() {
    let attempt = span(AT_WORK);
    ends("attempt_timeout", Timeouts { attempt, ..Timeouts::default() }, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_always_ends_when_all_of_it_takes_too_long() {
    let total = span(AT_WORK);
    ends("job_timeout", Timeouts { total, ..Timeouts::default() }, true).await;
}
