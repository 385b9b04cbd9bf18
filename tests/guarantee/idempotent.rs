//! 7. Idempotent. That a stale worker's write is refused is shown in `job::lost_worker`.

use futures::future::join_all;

use crate::support::log_reader::read_log;
use crate::support::recorder::publish_request;
use crate::support::{Core, code};

const RACERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idempotent_the_same_key_gives_the_same_event_to_racers_and_across_a_kill() {
    let mut core = Core::start().await;
    let request = publish_request("room:open", r#"{"n":1}"#, "the-key");
    let race = (0..RACERS).map(|_| {
        let (mut broadcast, request) = (core.broadcast(), request.clone());
        async move { broadcast.publish(request).await.unwrap().into_inner() }
    });
    let answers = join_all(race).await;
    core.kill();
    core.restart().await;
    let again = core.broadcast().publish(request).await.unwrap().into_inner();
    assert!(answers.iter().all(|answer| *answer == again));
    assert_eq!(read_log(&core.broadcast(), "room:open").await.len(), 1);
    let other = publish_request("room:open", r#"{"n":2}"#, "the-key");
    let refused = core.broadcast().publish(other).await.unwrap_err();
    assert_eq!(code(&refused), "idempotency_mismatch");
}
