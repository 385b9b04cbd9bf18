//! Guarantee 7, for creating: the same key gives the same job.

use futures::future::join_all;
use roomcast_proto::v1::{CreateJobRequest, ListJobsRequest};
use serde_json::json;

use crate::support::{Core, System, code, user};

const RACERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_creates_with_one_idempotency_key_make_one_job() {
    let core = Core::start().await;
    let request = CreateJobRequest {
        kind: "raced".to_owned(),
        idempotency_key: "only-once".to_owned(),
        ..CreateJobRequest::default()
    };
    let race = (0..RACERS).map(|_| {
        // A connection each: they meet in the store and nowhere before.
        let (mut jobs, request) = (core.jobs(), request.clone());
        async move { jobs.create_job(request).await.unwrap().into_inner() }
    });
    let answers = join_all(race).await;
    let first = answers[0].job.as_ref().unwrap().job_id.clone();
    assert!(answers.iter().all(|answer| answer.job.as_ref().unwrap().job_id == first));
    assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
    let all = ListJobsRequest { kind: "raced".to_owned(), ..ListJobsRequest::default() };
    let listed = core.jobs().list_jobs(all).await.unwrap().into_inner().jobs;
    assert_eq!(listed.len(), 1);

    let other = CreateJobRequest { priority: 1, ..request };
    let refused = core.jobs().create_job(other).await.unwrap_err();
    assert_eq!(code(&refused), "idempotency_mismatch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_gives_the_same_job_over_rest_and_after_a_restart_of_the_core() {
    let mut system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let body = json!({ "kind": "kept", "idempotency_key": "k-1" });
    let first = ana.post("/jobs", &body).await.ok(201)["job_id"].clone();
    assert_eq!(ana.post("/jobs", &body).await.ok(200)["job_id"], first);
    system.core.kill();
    system.core.restart().await;
    let again = crate::support::eventually("the edge has found the core", async || {
        let answer = ana.post("/jobs", &body).await;
        (answer.status < 500).then_some(answer)
    })
    .await;
    assert_eq!(again.ok(200)["job_id"], first);
    let bob = system.edge.rest(&user("bob"));
    assert_ne!(bob.post("/jobs", &body).await.ok(201)["job_id"], first, "keys are each user's own");
    let other = json!({ "kind": "other", "idempotency_key": "k-1" });
    assert_eq!(ana.post("/jobs", &other).await.problem(), "idempotency_mismatch");
}
