//! Trying an ended job again, from the command line.

use roomcast_identity::Scope;
use roomcast_proto::v1::JobState;

use super::{create, get};
use crate::support::worker::completed;
use crate::support::{Core, Worker, finish, roomcast, service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_job_is_tried_again_as_a_new_one_and_a_waiting_one_is_not() {
    let core = Core::start().await;
    let old = create(&core.jobs(), "again").await;
    let retry = async |key: &str| {
        let mut command = roomcast(&["job", "retry", &old.job_id, "-o", "json"]);
        command.args(["--idempotency-key", key]).env("ROOMCAST_CORE", core.url());
        finish(command.env("ROOMCAST_SERVICE_TOKEN", service(&[Scope::Admin]))).await
    };
    let early = retry("early").await;
    assert_ne!(early.code, Some(0));
    assert!(early.err.contains("job_not_ended"), "{}", early.err);

    let worker = Worker::new("w", core.jobs());
    worker.report(completed(&worker.lease("again").await, 1)).await.unwrap();
    let mut made = Vec::new();
    for key in ["one", "one", "other"] {
        let shown: serde_json::Value = serde_json::from_str(&retry(key).await.ok()).unwrap();
        assert_eq!(shown["retry_of"], old.job_id.as_str());
        made.push(shown["job_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(made[0], made[1], "the same key gives the same new job");
    assert_ne!(made[1], made[2]);
    assert_ne!(made[0], old.job_id);
    assert_eq!(get(&core.jobs(), &old.job_id).await.state(), JobState::Completed);
    worker.report(completed(&worker.lease("again").await, 1)).await.unwrap();
    assert_eq!(get(&core.jobs(), &made[0]).await.state(), JobState::Completed);
}
