//! What one core commits, the others' subscribers get: with Redis alive, stopped, dead, back, and lying.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::{Entry, History, Outcome, check};
use crate::support::log_reader::read_log;
use crate::support::recorder::{publish_request, publisher};
use crate::support::{Cluster, Recorder, Subscriber, eventually};

const TOPIC: &str = "room:open";
/// Acknowledgements in each phase of a run.
const PHASE: usize = 150;

/// A publisher and a subscriber at each core, of one topic.
struct Run {
    recorder: Recorder,
    subscribers: Vec<Subscriber>,
    publishers: JoinSet<()>,
    end: CancellationToken,
}

impl Run {
    async fn begin(cluster: &Cluster) -> Run {
        let (recorder, end) = (Recorder::new(), CancellationToken::new());
        let (mut subscribers, mut publishers) = (Vec::new(), JoinSet::new());
        for (number, core) in cluster.cores.iter().enumerate() {
            let who = format!("subscriber {number}");
            subscribers.push(Subscriber::spawn(core.broadcast(), TOPIC, &who).await);
            let names = (TOPIC.to_owned(), format!("publisher-{number}"));
            publishers.spawn(publisher(recorder.clone(), core.broadcast(), names, end.clone()));
        }
        Run { recorder, subscribers, publishers, end }
    }

    /// Goes on until so many more publishes are acknowledged.
    async fn phase(&self, name: &str) {
        let until = self.recorder.acked() + PHASE;
        eventually(&format!("publishing goes on: {name}"), async || {
            (self.recorder.acked() >= until).then_some(())
        })
        .await;
        self.all_are_at_the_head(name).await;
    }

    /// Every subscriber gets, in time, what was committed until now.
    async fn all_are_at_the_head(&self, name: &str) {
        let history = self.recorder.history();
        let last = history.publishes.iter().filter_map(|publish| match &publish.outcome {
            Outcome::Acked { offset, .. } => Some(*offset),
            _ => None,
        });
        let last = last.max().expect("something was acknowledged");
        eventually(&format!("subscribers have event {last}: {name}"), async || {
            let mut received = self.subscribers.iter().map(|one| one.complete().entries.len());
            received.all(|count| count as u64 >= last).then_some(())
        })
        .await;
    }

    /// Ends the publishing, and has everything judged.
    async fn judge(mut self, cluster: &Cluster) -> History {
        self.end.cancel();
        while let Some(ended) = self.publishers.join_next().await {
            ended.expect("no panic");
        }
        let log = read_log(&cluster.cores[0].broadcast(), TOPIC).await;
        let head = log.last().expect("events").cursor.clone();
        eventually("subscribers are at the head", async || {
            self.subscribers.iter().all(|one| one.reached() == head).then_some(())
        })
        .await;
        for subscriber in &self.subscribers {
            self.recorder.streamed(subscriber.complete());
        }
        let broadcast = cluster.cores[0].broadcast();
        let history = self.recorder.finish(&broadcast, &[TOPIC.to_owned()]).await;
        let violations = check(&history);
        assert!(violations.is_empty(), "{violations:#?}");
        history
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whatever_becomes_of_redis_and_it_is_told_and_mended() {
    let mut cluster = Cluster::start(2).await;
    let run = Run::begin(&cluster).await;
    run.phase("redis is well").await;
    for core in 0..cluster.cores.len() {
        let heard = cluster.metric(core, "roomcast_bus_lag_seconds_count").await;
        assert!(heard.is_some_and(|count| count > 0.0), "core {core} counts how late: {heard:?}");
    }
    cluster.redis.server.pause();
    cluster.all_say("down, polling").await;
    run.phase("redis is stopped").await;
    for core in 0..cluster.cores.len() {
        let (status, text) = cluster.readiness(core).await.expect("an answer");
        assert_eq!(status, 200, "a core without a bus takes calls: {text}");
        let health = cluster.cores[core].health("roomcast.bus").await;
        assert_eq!(
            health,
            Some(tonic_health::pb::health_check_response::ServingStatus::NotServing)
        );
        assert_eq!(cluster.metric(core, "roomcast_bus_up").await, Some(0.0));
    }
    cluster.redis.server.go_on();
    cluster.all_say("up").await;
    run.phase("redis goes on").await;
    cluster.redis.server.kill();
    cluster.all_say("down, polling").await;
    run.phase("redis is dead").await;
    cluster.redis.server.restart();
    cluster.all_say("up").await;
    run.phase("redis is back").await;
    let heard = cluster.metric(0, "roomcast_bus_heard_total").await.expect("it hears");
    assert!(heard > 0.0);
    run.judge(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_strangers_and_messages_that_come_again_in_any_order_are_harmless() {
    let cluster = Cluster::start(2).await;
    let channel = cluster.redis.client().await.channel().await;
    let mut listener = cluster.redis.client().await;
    listener.subscribe(&channel).await;
    let run = Run::begin(&cluster).await;
    run.phase("nobody lies").await;
    let mut messages = Vec::new();
    while messages.len() < PHASE {
        messages.push(listener.message().await);
    }
    let mut liar = cluster.redis.client().await;
    for (number, message) in messages.iter().rev().enumerate() {
        // Backwards, twice; then broken in one bit, cut off, and long and meaningless.
        liar.publish(&channel, message).await;
        liar.publish(&channel, message).await;
        let mut broken = message.clone();
        let at = number % broken.len();
        broken[at] ^= 1 << (number % 8);
        liar.publish(&channel, &broken).await;
        liar.publish(&channel, &message[..message.len() / 2]).await;
        liar.publish(&channel, &vec![u8::try_from(number % 256).expect("small"); number * 50])
            .await;
    }
    run.phase("somebody lies").await;
    for core in 0..cluster.cores.len() {
        eventually("it was refused", async || {
            let refused = cluster.metric(core, "roomcast_bus_refused_total").await;
            (refused >= Some(3.0 * PHASE as f64)).then_some(())
        })
        .await;
    }
    cluster.all_say("up").await;
    run.judge(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_reach_each_other_over_tls() {
    let cluster = Cluster::start_secure(2).await;
    let run = Run::begin(&cluster).await;
    run.phase("over TLS").await;
    run.judge(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_are_told_when_the_database_has_lost_what_they_have() {
    let mut cluster = Cluster::start(2).await;
    let publish = async |cluster: &Cluster, key: &str| {
        let content = format!(r#"{{"said":"{key}"}}"#);
        let publisher = cluster.cores[0].broadcast();
        eventually("published", async || {
            publisher.clone().publish(publish_request(TOPIC, &content, key)).await.ok().map(drop)
        })
        .await;
    };
    publish(&cluster, "kept").await;
    let mut followers = Vec::new();
    for core in &cluster.cores {
        followers.push(Subscriber::spawn(core.broadcast(), TOPIC, "follower").await);
    }
    cluster.database.remember();
    for key in ["lost-1", "lost-2", "lost-3"] {
        publish(&cluster, key).await;
    }
    let all_have = async |what: &str, is_there: &dyn Fn(&Entry) -> bool| {
        eventually(what, async || {
            followers.iter().all(|one| one.complete().entries.iter().any(is_there)).then_some(())
        })
        .await;
    };
    let said = |entry: &Entry, key: &str| match entry {
        Entry::Event { content, .. } => content.contains(key),
        Entry::Reset { .. } => false,
    };
    all_have("what is lost later", &|entry| said(entry, "lost-3")).await;
    cluster.database.lose_the_rest();
    all_have("a reset", &|entry| matches!(entry, Entry::Reset { .. })).await;
    publish(&cluster, "new").await;
    all_have("the new history", &|entry| said(entry, "new")).await;
    for follower in &followers {
        let entries = follower.complete().entries;
        let resets = entries.iter().filter(|entry| matches!(entry, Entry::Reset { .. })).count();
        assert_eq!(resets, 1, "{entries:?}");
        assert!(entries.last().is_some_and(|last| said(last, "new")), "{entries:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_buss_password_and_the_databases_key_are_in_no_log() {
    let mut cluster = Cluster::start(1).await;
    cluster.redis.server.kill();
    cluster.all_say("down, polling").await;
    cluster.cores[0].broadcast().publish(publish_request(TOPIC, "{}", "one")).await.unwrap();
    let process = cluster.cores[0].process();
    let log = eventually("the loss is logged", async || {
        let log = process.stderr_lines().join("\n");
        log.contains("redis is lost").then_some(log)
    })
    .await;
    assert!(!log.contains("a-password-of-redis"), "{log}");
}
