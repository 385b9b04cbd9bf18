//! Keeping house: one core cleans and keeps deadlines, and another one when it dies.

use std::time::{Duration, SystemTime};

use roomcast_proto::v1::CreateJobRequest;

use crate::support::{Cluster, Worker};

const KIND: &str = "later";
/// After the creation: the core that led is dead by then, and nobody leads yet.
const DELAY: Duration = Duration::from_secs(1);

/// A job that is due in a moment, created at a core.
async fn create_delayed(cluster: &Cluster, core: usize) -> String {
    let run_at = prost_types::Timestamp::from(SystemTime::now() + DELAY);
    let request = CreateJobRequest {
        kind: KIND.to_owned(),
        run_at: Some(run_at),
        ..CreateJobRequest::default()
    };
    let answer = cluster.cores[core].jobs().create_job(request).await.unwrap();
    answer.into_inner().job.expect("a job").job_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_are_kept_whichever_core_leads_and_when_it_dies() {
    let mut cluster = Cluster::start(2).await;
    let leader = cluster.leader().await;
    let other = 1 - leader;
    let worker = Worker::new("w", cluster.cores[other].jobs());
    // Created where nobody keeps deadlines.
    let job_id = create_delayed(&cluster, other).await;
    assert_eq!(worker.lease(KIND).await.job.expect("a job").job_id, job_id);
    // Due when its keeper is dead.
    let job_id = create_delayed(&cluster, leader).await;
    cluster.cores[leader].kill();
    assert_eq!(worker.lease(KIND).await.job.expect("a job").job_id, job_id);
    assert_eq!(cluster.leader().await, other);
    // The one that comes back finds the lead taken.
    cluster.cores[leader].restart().await;
    assert_eq!(cluster.leader().await, other);
}
