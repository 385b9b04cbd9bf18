//! Cores that do not hear each other: one has lost its own way to Redis, or there is no bus at all. What
//! each commits the others find in the database.

use crate::support::recorder::publish_request;
use crate::support::{Cluster, Core, Port, Postgres, Subscriber, eventually};

const TOPIC: &str = "room:open";

/// Somebody at each core who follows the topic.
async fn follow(cores: &[Core]) -> Vec<Subscriber> {
    let mut subscribers = Vec::new();
    for (number, core) in cores.iter().enumerate() {
        let who = format!("subscriber {number}");
        subscribers.push(Subscriber::spawn(core.broadcast(), TOPIC, &who).await);
    }
    subscribers
}

/// What is published at any core comes to those who follow it at each.
async fn each_hears_all(cores: &[Core], subscribers: &[Subscriber], when: &str) {
    for (number, core) in cores.iter().enumerate() {
        let request = publish_request(TOPIC, "{}", &format!("{number} {when}"));
        let answer = core.broadcast().publish(request).await.expect("it is taken").into_inner();
        let head = answer.published.expect("a published event").cursor;
        eventually(&format!("all have what core {number} committed {when}"), async || {
            subscribers.iter().all(|one| one.reached() == head).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_alone_has_lost_redis_is_missed_and_hears_all_the_same() {
    let (ways, cluster) = Cluster::start_apart(2).await;
    let subscribers = follow(&cluster.cores).await;
    each_hears_all(&cluster.cores, &subscribers, "before").await;
    ways[0].redis.cut();
    cluster.says(0, "down, polling").await;
    cluster.says(1, "up, a core is silent, polling").await;
    each_hears_all(&cluster.cores, &subscribers, "meanwhile").await;
    for core in 0..cluster.cores.len() {
        let (status, said) = cluster.readiness(core).await.expect("an answer");
        assert_eq!(status, 200, "core {core} takes calls: {said}");
    }
    ways[0].redis.mend();
    cluster.all_say("up").await;
    each_hears_all(&cluster.cores, &subscribers, "after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_without_a_bus_hear_each_other_by_their_database() {
    let (database, page) = (Postgres::start(), Port::reserve());
    let (store, at) = (database.url(), page.address().to_string());
    let one = Core::start_with(&["--store", &store, "--core-metrics-listen", &at]).await;
    let cores = [one, Core::start_with(&["--store", &store]).await];
    let subscribers = follow(&cores).await;
    each_hears_all(&cores, &subscribers, "without a bus").await;
    let said = reqwest::get(format!("{}/readyz?verbose", page.url())).await.expect("an answer");
    let said = said.text().await.expect("a text");
    assert!(said.contains("bus: none, polling\n"), "{said}");
}
