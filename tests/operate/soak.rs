//! Whoever comes and goes leaves nothing behind: wave after wave, and between them both processes must
//! come back to what they held before.

mod leftover;
mod level;
mod page;
mod stand;
mod wave;

use std::time::{Duration, Instant};

use futures::future::join_all;

use self::leftover::leftovers;
use self::stand::{FOLLOWED, RIGHTS, Stand, grown};
use self::wave::Wave;
use crate::support::evidence::length;
use crate::support::{Core, Edge, Port, eventually, looked_every};

const ROOMS: &str = r#"lobby = { presence = true, last = true, publish = ["everyone"] }
news = { merge = "last_value", publish = ["everyone"] }"#;
/// All that can be set is past its time a moment after the wave that made it.
const RETENTION: &str =
    "room=age:2s;user=age:2s;project=age:2s;session=age:2s;job=age:2s;audit=age:2s";
/// Waves at once.
const ABREAST: usize = 2;
/// Tickets live for thirty seconds, feeds linger for ten, presence for two; the cleaner looks every ten, and
/// needs some rounds.
const REST_MAX: Duration = Duration::from_secs(90);
/// Between two looks at a rest: each is a question to both processes, and a reader of the store.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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

/// What was held in a run, and when.
struct Course {
    /// Before anybody came.
    base: Stand,
    /// After each round.
    rests: Vec<Stand>,
    /// As the last wave ended.
    height: Stand,
    waves: usize,
    /// From a round's last wave until all was gone.
    longest: Duration,
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

    /// What is held before anybody comes, once the core counts the topic that it follows itself and the edge has
    /// heard of rights.
    async fn base(&mut self) -> Stand {
        eventually("both processes are at work", async || {
            let stand = Stand::of(self).await;
            Some(stand).filter(|stand| [FOLLOWED, RIGHTS].iter().all(|name| stand.gauge(name) == 1))
        })
        .await
    }

    /// Waves for so long, or so many of each lane if that takes longer. Answers how many there were.
    async fn waves(&mut self, first: usize, (least, time): (usize, Duration)) -> usize {
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
        passed
    }

    /// What is held once all that was to go has gone.
    async fn rest(&mut self, base: &Stand) -> Stand {
        let mut left = Vec::new();
        let stand = looked_every(LOOK_EVERY, REST_MAX, async || {
            let stand = Stand::of(self).await;
            let still = leftovers(&stand, base);
            if still.is_empty() {
                eprintln!("  the last to go: {left:?}");
                return Some(stand);
            }
            left = still;
            None
        });
        let stand = stand.await;
        stand
            .unwrap_or_else(|| panic!("{REST_MAX:?} after the last wave there are still {left:#?}"))
    }

    /// Rounds of waves and a rest. Each tells what is held as it ends.
    async fn rounds(&mut self, rounds: usize, each: (usize, Duration)) -> Course {
        let base = self.base().await;
        eprintln!("before: {base}");
        let mut course = Course {
            height: base.clone(),
            base,
            rests: Vec::new(),
            waves: 0,
            longest: Duration::ZERO,
        };
        for round in 1..=rounds {
            course.waves += self.waves(course.waves, each).await;
            course.height = Stand::of(self).await;
            eprintln!("round {round} of {rounds}, after wave {}: {}", course.waves, course.height);
            let began = Instant::now();
            let stand = self.rest(&course.base).await;
            let after = began.elapsed();
            eprintln!("  at rest {after:.0?} later: {stand}");
            course.longest = course.longest.max(after);
            course.rests.push(stand);
        }
        course
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_whoever_comes_and_goes() {
    let rounds = length(2, 5);
    let each = length((2, Duration::ZERO), (2, Duration::from_secs(60)));
    let course = Stage::start().await.rounds(rounds, each).await;
    let (first, last) = (&course.rests[0], &course.rests[rounds - 1]);
    let late = grown(&last.series, &first.series);
    assert!(last.series() <= first.series() + SERIES_MORE, "new series: {late:?}");
    for (process, after) in last.processes.iter().zip(first.processes) {
        assert!(process.memory <= after.memory + MEMORY_MORE, "{process:?}, at first {after:?}");
        let lines_max = after.log_lines + LINES_OF_A_WAVE * course.waves;
        assert!(process.log_lines <= lines_max, "{process:?}");
    }
    page::write(&course);
}
