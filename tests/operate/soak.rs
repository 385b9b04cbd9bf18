//! Whoever comes and goes leaves nothing behind: wave after wave, and between them both processes must
//! come back to what they held before. What is kept on purpose is named here, and why.

mod stand;
mod wave;

use std::time::{Duration, Instant};

use futures::future::join_all;

use self::stand::{Held, Stand, grown};
use self::wave::Wave;
use crate::support::evidence::length;
use crate::support::{Core, Edge, Evidence, Port, eventually, looked};

const ROOMS: &str = r#"lobby = { presence = true, last = true, publish = ["everyone"] }
news = { merge = "last_value", publish = ["everyone"] }"#;
const FOLLOWED: &str = "roomcast_followed_topics";
/// All that can be set is past its time a moment after the wave that made it.
const RETENTION: &str =
    "room=age:2s;user=age:2s;project=age:2s;session=age:2s;job=age:2s;audit=age:2s";
/// Waves at once.
const ABREAST: usize = 2;
/// Feeds linger for ten seconds, presence for two; the cleaner looks every ten, and needs some rounds.
const REST: Duration = Duration::from_secs(90);

/// What the store holds of what is gone. Each idempotency key is kept for a day. A topic that was used has
/// a row for ever, by which a cursor of it is judged, but those of jobs. Changes of rights are kept for a
/// day, beside the last 63 marks of them.
const KEPT: [&str; 11] = [
    "meta",
    "idempotency",
    "topic",
    "topic_head",
    "topics of kind session",
    "topics of kind project",
    "topics of kind room",
    "topics of kind user",
    "event",
    "event_mark",
    "events of kind access",
];
/// One each, however much there was: the edge that lives, the two topics that the core has itself, the
/// last number of a graph.
const ONE: [&str; 4] = ["edge", "topics of kind access", "topics of kind audit", "sqlite_sequence"];

/// Descriptors that come and go by themselves: connections of this test's own.
const DESCRIPTORS_MORE: usize = 12;
/// Threads of a pool stay while each gets some work now and then: as many as were once needed at once, which
/// are the more the busier the machine is.
const THREADS_MORE: usize = 64;
/// Series that turn up late: a rare answer of a route is a histogram with seventeen.
const SERIES_MORE: u64 = 100;
/// Log lines of one wave: nobody's coming and going is told there.
const LINES_OF_A_WAVE: usize = 1;
/// Between the rest after the first round and the last: caches fill, each up to its bound.
const MEMORY_MORE: u64 = 24 << 20;

struct Stage {
    core: Core,
    core_metrics: Port,
    edge: Edge,
}

impl Stage {
    async fn start() -> Stage {
        let core_metrics = Port::reserve();
        let address = core_metrics.address().to_string();
        let arguments =
            ["--rooms", ROOMS, "--retention", RETENTION, "--core-metrics-listen", &address];
        let core = Core::start_with(&arguments).await;
        Stage { edge: Edge::start(&core).await, core, core_metrics }
    }

    /// What is held before anybody comes.
    async fn base(&mut self) -> Stand {
        eventually("the core counts the topic that it follows itself", async || {
            let stand = Stand::of(self).await;
            Some(stand).filter(|stand| stand.gauges.get(FOLLOWED) == Some(&1))
        })
        .await
    }

    /// Waves for so long, or so many of each lane if that takes longer. Answers how many there were, and
    /// what was held at the height of the last.
    async fn waves(&mut self, first: usize, (least, time): (usize, Duration)) -> (usize, Stand) {
        let (began, mut passed) = (Instant::now(), 0);
        while passed < least || began.elapsed() < time {
            let (core, edge) = (&self.core, &self.edge);
            let waves = (0..ABREAST).map(|n| first + passed + n);
            join_all(
                waves.map(|number| Wave { core, edge, number }).map(async |wave| wave.pass().await),
            )
            .await;
            passed += ABREAST;
        }
        (passed, Stand::of(self).await)
    }

    /// What is held once all that was to go has gone.
    async fn rest(&mut self, base: &Stand) -> Stand {
        let mut left = Vec::new();
        let stand = looked(REST, async || {
            let stand = Stand::of(self).await;
            left = leftovers(&stand, base);
            left.is_empty().then_some(stand)
        });
        let stand = stand.await;
        stand.unwrap_or_else(|| panic!("{REST:?} after the last wave there are still {left:#?}"))
    }
}

/// What is still there and was not before: what each is, how much was there and how much is.
fn leftovers(stand: &Stand, base: &Stand) -> Vec<String> {
    let gauges = grown(&stand.gauges, &base.gauges);
    let is_due = |name: &str| !KEPT.contains(&name) && !ONE.contains(&name);
    let rows = grown(&stand.rows, &base.rows).into_iter().filter(|(name, ..)| is_due(name));
    let more =
        ONE.iter().filter(|name| stand.rows(name) > 1).map(|name| (*name, 1, stand.rows(name)));
    let mut left: Vec<String> =
        gauges.into_iter().chain(rows).chain(more).map(|one| format!("{one:?}")).collect();
    for (held, before) in stand.processes.iter().zip(base.processes) {
        let Held { descriptors, threads, .. } = *held;
        if descriptors > before.descriptors + DESCRIPTORS_MORE {
            left.push(format!("{descriptors} descriptors, after {}", before.descriptors));
        }
        if threads > before.threads + THREADS_MORE {
            left.push(format!("{threads} threads, after {}", before.threads));
        }
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_whoever_comes_and_goes() {
    let rounds = length(2, 6);
    let each = length((2, Duration::ZERO), (2, Duration::from_secs(120)));
    let mut stage = Stage::start().await;
    let base = stage.base().await;
    let (mut passed, mut rests, mut height) = (0, Vec::<Stand>::new(), Stand::default());
    for _ in 0..rounds {
        let (waves, high) = stage.waves(passed, each).await;
        (passed, height) = (passed + waves, high);
        rests.push(stage.rest(&base).await);
    }
    let (first, last) = (&rests[0], &rests[rests.len() - 1]);
    let late = grown(&last.series, &first.series);
    assert!(last.series() <= first.series() + SERIES_MORE, "new series: {late:?}");
    for (process, after) in last.processes.iter().zip(first.processes) {
        assert!(process.memory <= after.memory + MEMORY_MORE, "{process:?}, at first {after:?}");
        assert!(process.log_lines <= after.log_lines + LINES_OF_A_WAVE * passed, "{process:?}");
    }
    tell(passed, [&base, first, &height, last]);
}

fn tell(waves: usize, stands: [&Stand; 4]) {
    let row = |figure: &dyn Fn(&Stand) -> String| stands.map(figure).join(" · ");
    let [core, edge] = [0, 1].map(|process| move |stand: &Stand| stand.processes[process]);
    let memory = |held: Held| format!("{:.1} MB", held.memory as f64 / 1e6);
    let others = |Held { descriptors, threads, log_lines, .. }: Held| {
        format!("{descriptors}, {threads}, {log_lines}")
    };
    let gauge = |name: &'static str| {
        move |stand: &Stand| stand.gauges.get(name).copied().unwrap_or_default().to_string()
    };
    Evidence::of("Coming and going", "nothing_is_left")
        .row(
            "figures",
            "before · at rest after the first round · in the last wave · at rest after the last",
        )
        .row("waves, each of new users, jobs, workers, sessions, rooms, rights and keys", waves)
        .row("memory of the core", row(&|stand| memory(core(stand))))
        .row("memory of the edge", row(&|stand| memory(edge(stand))))
        .row("descriptors, threads, log lines of the core", row(&|stand| others(core(stand))))
        .row("descriptors, threads, log lines of the edge", row(&|stand| others(edge(stand))))
        .row("topics followed at the core", row(&gauge(FOLLOWED)))
        .row("sockets at the edge", row(&gauge("roomcast_edge_sockets")))
        .row("series of both pages", row(&|stand| stand.series().to_string()))
        .row("jobs in the store", row(&|stand| stand.rows("job").to_string()))
        .row("topics in the store", row(&|stand| stand.rows("topic").to_string()))
        .row("idempotency keys", row(&|stand| stand.rows("idempotency").to_string()))
        .row("events in the store", row(&|stand| stand.rows("event").to_string()))
        .row("the store's files", row(&|stand| format!("{:.1} MB", stand.file_bytes as f64 / 1e6)))
        .write("soak");
}
