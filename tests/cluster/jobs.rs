//! Jobs and workers at different cores.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use roomcast_proto::v1::{CancelJobRequest, CreateJobRequest, GetJobRequest, JobState, Lease};
use roomcast_proto::v1::{CreateJobResponse, RenewLeasesRequest};
use tokio::task::JoinSet;

use crate::support::worker::{completed, progress};
use crate::support::{Cluster, Core, Worker, eventually};

const KIND: &str = "render";

async fn create(core: &Core, name: &str) -> String {
    let request = CreateJobRequest {
        kind: KIND.to_owned(),
        idempotency_key: name.to_owned(),
        ..CreateJobRequest::default()
    };
    let CreateJobResponse { job, .. } = core.jobs().create_job(request).await.unwrap().into_inner();
    job.expect("a job").job_id
}

async fn state(core: &Core, job_id: &str) -> JobState {
    let request = GetJobRequest { job_id: job_id.to_owned() };
    core.jobs().get_job(request).await.unwrap().into_inner().job.expect("a job").state()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_hears_at_once_of_a_job_that_another_core_created() {
    const JOBS: u32 = 20;
    /// Without a hint the next look is half of this away, on average.
    const LOOK_EVERY: Duration = Duration::from_secs(1);
    let cluster = Cluster::start(2).await;
    let worker = Worker::new("w", cluster.cores[1].jobs());
    // Of a job that is not due a core tells how many workers wait for its kind.
    let run_at = Some((SystemTime::now() + Duration::from_secs(3600)).into());
    let later = CreateJobRequest { kind: KIND.to_owned(), run_at, ..CreateJobRequest::default() };
    let later = cluster.cores[1].jobs().create_job(later).await.unwrap().into_inner();
    let later = later.job.expect("a job").job_id;
    let mut waited = Duration::ZERO;
    for number in 0..JOBS {
        let lease = {
            let worker = worker.clone();
            tokio::spawn(async move { worker.lease(KIND).await })
        };
        eventually("the worker waits", async || {
            let request = GetJobRequest { job_id: later.clone() };
            let answer = cluster.cores[1].jobs().get_job(request).await.unwrap();
            (answer.into_inner().workers == 1).then_some(())
        })
        .await;
        let job_id = create(&cluster.cores[0], &format!("job-{number}")).await;
        let created = Instant::now();
        let assignment = lease.await.unwrap();
        waited += created.elapsed();
        assert_eq!(assignment.job.as_ref().expect("a job").job_id, job_id);
        worker.report(completed(&assignment, 1)).await.unwrap();
        assert_eq!(state(&cluster.cores[0], &job_id).await, JobState::Completed);
    }
    assert!(waited < JOBS * LOOK_EVERY / 4, "{JOBS} jobs waited for {waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_loses_its_core_goes_on_at_another_with_its_lease() {
    let mut cluster = Cluster::start(2).await;
    let job_id = create(&cluster.cores[0], "job").await;
    let before = Worker::new("w", cluster.cores[0].jobs());
    let assignment = before.lease(KIND).await;
    before.report(progress(&assignment, 1, 10.0)).await.unwrap();
    cluster.cores[0].kill();
    let after = Worker::new("w", cluster.cores[1].jobs());
    let held = vec![Lease { job_id: job_id.clone(), fence: assignment.fence }];
    let renewed = cluster.cores[1].jobs().renew_leases(RenewLeasesRequest { held }).await.unwrap();
    assert_eq!(renewed.into_inner().lost, []);
    after.report(progress(&assignment, 2, 50.0)).await.unwrap();
    after.report(completed(&assignment, 3)).await.unwrap();
    assert_eq!(state(&cluster.cores[1], &job_id).await, JobState::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_leased_once_however_many_cores_and_workers_race_for_it() {
    const JOBS: usize = 60;
    const WORKERS: usize = 3;
    let cluster = Cluster::start(2).await;
    let mut workers = JoinSet::new();
    for (at, core) in cluster.cores.iter().enumerate() {
        for number in 0..WORKERS {
            let worker = Worker::new(&format!("w-{at}-{number}"), core.jobs());
            workers.spawn(async move {
                loop {
                    let Ok(Some(assignment)) = worker.try_lease(KIND).await else { continue };
                    worker.report(completed(&assignment, 1)).await.expect("its own job");
                }
            });
        }
    }
    let mut jobs = BTreeMap::new();
    for number in 0..JOBS {
        let core = &cluster.cores[number % cluster.cores.len()];
        jobs.insert(create(core, &format!("job-{number}")).await, number);
    }
    for job_id in jobs.keys() {
        eventually("every job is done", async || {
            let request = GetJobRequest { job_id: job_id.clone() };
            let job = cluster.cores[1].jobs().get_job(request).await.unwrap().into_inner().job?;
            assert!(job.attempt <= 1, "leased twice: {job:?}");
            (job.state() == JobState::Completed).then_some(())
        })
        .await;
    }
    workers.abort_all();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_at_one_core_reaches_the_worker_at_another() {
    let mut cluster = Cluster::start(2).await;
    // With Redis, and without it.
    for name in ["one", "two"] {
        let job_id = create(&cluster.cores[0], name).await;
        let worker = Worker::new("w", cluster.cores[1].jobs());
        let assignment = worker.lease(KIND).await;
        worker.report(progress(&assignment, 1, 10.0)).await.unwrap();
        let request = CancelJobRequest { job_id: job_id.clone(), ..CancelJobRequest::default() };
        cluster.cores[0].jobs().cancel_job(request).await.unwrap();
        let held = vec![Lease { job_id: job_id.clone(), fence: assignment.fence }];
        let beat = RenewLeasesRequest { held };
        let told = cluster.cores[1].jobs().renew_leases(beat).await.unwrap().into_inner();
        assert_eq!(told.cancels.len(), 1);
        worker.report(completed(&assignment, 2)).await.unwrap();
        cluster.redis.server.kill();
        cluster.all_say("down, polling").await;
    }
}
