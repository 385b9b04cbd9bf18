//! 1. Durable.

use crate::support::Core;
use crate::support::log_reader::read_log;
use crate::support::recorder::publish_request;

const EVENTS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_an_acknowledged_write_survives_a_kill_at_the_moment_of_its_acknowledgement() {
    let mut core = Core::start().await;
    for number in 1..=EVENTS {
        let request = publish_request("room:open", &format!(r#"{{"n":{number}}}"#), "");
        core.broadcast().publish(request).await.unwrap();
        if number % 5 == 0 {
            core.kill();
            core.restart().await;
        }
    }
    let log = read_log(&core.broadcast(), "room:open").await;
    let numbers: Vec<String> = log.into_iter().map(|event| event.content).collect();
    let all: Vec<String> = (1..=EVENTS).map(|number| format!(r#"{{"n":{number}}}"#)).collect();
    assert_eq!(numbers, all);
}
