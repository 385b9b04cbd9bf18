//! Jobs: the main one from a command line to three kinds of client, and what happens when it goes wrong.

mod cancel;
mod idempotency;
mod lost_worker;
mod main_job;
mod report;
mod retry;

use roomcast_proto::v1::{CreateJobRequest, GetJobRequest, Job};

use crate::support::Jobs;

/// Creates a job of a kind.
async fn create(jobs: &Jobs, kind: &str) -> Job {
    let request = CreateJobRequest { kind: kind.to_owned(), ..CreateJobRequest::default() };
    jobs.clone().create_job(request).await.unwrap().into_inner().job.unwrap()
}

async fn get(jobs: &Jobs, job_id: &str) -> Job {
    let request = GetJobRequest { job_id: job_id.to_owned() };
    jobs.clone().get_job(request).await.unwrap().into_inner().job.unwrap()
}
