//! Redis stands still under load: nothing is lost, and what one core commits reaches the other's
//! subscribers a little later.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::{Outcome, Publish, check};
use crate::support::evidence::length;
use crate::support::log_reader::read_log;
use crate::support::recorder::publish_request;
use crate::support::{Broadcast, Cluster, Evidence, Recorder, Subscriber, eventually};

const TOPIC: &str = "room:open";
/// Between two events of a publisher.
const PACE: Duration = Duration::from_millis(20);

/// One event after the other, at a pace; none is tried twice, for the cores and the database are well.
async fn publish(recorder: Recorder, broadcast: Broadcast, who: String, end: CancellationToken) {
    let mut ticks = tokio::time::interval(PACE);
    for number in 0_u64.. {
        ticks.tick().await;
        if end.is_cancelled() {
            return;
        }
        let content = format!(r#"{{"by":"{who}","number":{number}}}"#);
        let request = publish_request(TOPIC, &content, &format!("{who}-{number}"));
        let started_at = recorder.now();
        let answer = broadcast.clone().publish(request).await.expect("it is taken").into_inner();
        let event = answer.published.expect("a published event");
        let (at, offset, cursor) = (recorder.now(), event.offset, event.cursor);
        let outcome = Outcome::Acked { at, offset, cursor };
        recorder.published(Publish { topic: TOPIC.to_owned(), content, started_at, outcome });
    }
}

/// A part of the run, and what was on its way to another core in it took.
struct Phase {
    name: &'static str,
    from: u64,
    until: u64,
    latencies: Vec<Duration>,
}

impl Phase {
    /// Lets so much time pass.
    async fn last(name: &'static str, recorder: &Recorder, time: Duration) -> Phase {
        let from = recorder.now();
        tokio::time::sleep(time).await;
        Phase { name, from, until: recorder.now(), latencies: Vec::new() }
    }

    fn words(&self) -> String {
        let at = |share: f64| {
            let last = self.latencies.len().saturating_sub(1);
            self.latencies.get((last as f64 * share) as usize).copied().unwrap_or_default()
        };
        let (middle, late, longest) = (at(0.5), at(0.99), at(1.0));
        format!(
            "{} events: p50 {middle:.1?}, p99 {late:.1?}, longest {longest:.1?}",
            self.latencies.len()
        )
    }
}

/// How long each event took from its publisher at one core to the subscriber at the other, by phase.
fn measure(recorder: &Recorder, subscribers: &[Subscriber], phases: &mut [Phase]) {
    let history = recorder.history();
    let began = history.publishes.iter().map(|publish| (&*publish.content, publish.started_at));
    let began: HashMap<&str, u64> = began.collect();
    for (core, subscriber) in subscribers.iter().enumerate() {
        for (content, arrived) in subscriber.arrivals() {
            let began = began[&*content];
            let is_foreign = !content.contains(&format!(r#""by":"{core}-"#));
            let phase = phases.iter_mut().find(|phase| (phase.from..phase.until).contains(&began));
            if let (true, Some(phase)) = (is_foreign, phase) {
                let latency = recorder.moment(arrived).saturating_sub(began);
                phase.latencies.push(Duration::from_nanos(latency));
            }
        }
    }
    phases.iter_mut().for_each(|phase| phase.latencies.sort_unstable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_redis_stands_still_under_load() {
    let (publishers, time) = length((2, Duration::from_secs(2)), (10, Duration::from_secs(30)));
    let cluster = Cluster::start(2).await;
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    let (mut subscribers, mut load) = (Vec::new(), JoinSet::new());
    for (number, core) in cluster.cores.iter().enumerate() {
        let who = format!("subscriber {number}");
        subscribers.push(Subscriber::spawn(core.broadcast(), TOPIC, &who).await);
    }
    for (number, core) in cluster.cores.iter().enumerate() {
        for publisher in 0..publishers {
            let who = format!("{number}-{publisher}");
            load.spawn(publish(recorder.clone(), core.broadcast(), who, end.clone()));
        }
    }
    let mut phases = vec![Phase::last("before", &recorder, time).await];
    cluster.redis.server.pause();
    phases.push(Phase::last("while it stands still", &recorder, time).await);
    cluster.redis.server.go_on();
    cluster.all_say("up").await;
    phases.push(Phase::last("after", &recorder, time).await);
    end.cancel();
    while let Some(ended) = load.join_next().await {
        ended.expect("no panic");
    }

    let log = read_log(&cluster.cores[0].broadcast(), TOPIC).await;
    let head = log.last().expect("events").cursor.clone();
    eventually("subscribers are at the head", async || {
        subscribers.iter().all(|one| one.reached() == head).then_some(())
    })
    .await;
    subscribers.iter().for_each(|one| recorder.streamed(one.complete()));
    let history = recorder.finish(&cluster.cores[0].broadcast(), &[TOPIC.to_owned()]).await;
    assert_eq!(check(&history), []);
    measure(&recorder, &subscribers, &mut phases);
    let mut page = Evidence::of("Redis stands still under load", "while_redis_stands_still")
        .row("cores, publishers, subscribers", format!("2, {}, 2", 2 * publishers))
        .row("events acknowledged", recorder.acked())
        .row("each phase", format!("{time:.0?}"));
    for phase in &phases {
        println!("{}: {}", phase.name, phase.words());
        assert!(!phase.latencies.is_empty(), "nothing was on its way {}", phase.name);
        page = page.row(
            &format!("from a publish to the other core's subscriber, {}", phase.name),
            phase.words(),
        );
    }
    page.row("events lost, doubled or out of order", 0).write("redis-outage");
}
