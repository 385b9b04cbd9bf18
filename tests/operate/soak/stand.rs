//! What a core and an edge hold at a moment, as their metrics, the kernel and the store's file tell.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use serde_json::Value;

use super::Stage;
use crate::support::{Process, Rest, admin, finish, python};

pub(super) const PROCESSES: [&str; 2] = ["core", "edge"];
/// Gauges.
pub(super) const FOLLOWED: &str = "roomcast_followed_topics";
pub(super) const RIGHTS: &str = "roomcast_edge_rights_heard";
pub(super) const CONNECTED: &str = "roomcast_edge_sockets";

/// By name.
pub(super) type Counts = BTreeMap<String, u64>;

#[derive(Debug, Clone, Default)]
pub(super) struct Stand {
    /// Of each of [`PROCESSES`].
    pub(super) processes: [Held; 2],
    /// Gauges of both, but for those that have a base of their own.
    pub(super) gauges: Counts,
    /// Series of both pages, by metric.
    pub(super) series: Counts,
    /// What the store's file holds.
    pub(super) rows: Counts,
    /// Bytes of the store's file and its log.
    pub(super) file_bytes: u64,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) memory: u64,
    pub(super) descriptors: usize,
    pub(super) threads: usize,
    pub(super) log_lines: usize,
}

impl Stand {
    pub(super) async fn of(stage: &mut Stage) -> Stand {
        let core = Rest::new(&stage.core_metrics.url(), None).get("/metrics").await.text;
        let edge = stage.edge.rest(&admin("root")).get("/metrics").await.text;
        let mut stand = Stand {
            processes: [held(stage.core.process()), held(stage.edge.process())],
            rows: rows(stage).await,
            ..Stand::default()
        };
        for name in ["roomcast.db", "roomcast.db-wal"] {
            let file = fs::metadata(stage.core.data_dir().join(name)).expect("a file of the store");
            stand.file_bytes += file.len();
        }
        [core, edge].iter().for_each(|page| stand.read(page));
        stand
    }

    /// Takes in a page of metrics.
    fn read(&mut self, page: &str) {
        let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let gauges: Vec<&str> = kinds.filter_map(|kind| kind.strip_suffix(" gauge")).collect();
        for line in page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (series, value) = line.rsplit_once(' ').expect("a series and its value");
            let metric = series.split('{').next().unwrap_or(series);
            *self.series.entry(metric.to_owned()).or_default() += 1;
            if gauges.contains(&metric) {
                let value: f64 = value.parse().expect("a number");
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "counts"
                )]
                self.gauges.insert(series.to_owned(), value as u64);
            }
        }
        // It is a file's size, which stays at what it once was.
        self.gauges.remove("roomcast_store_wal_bytes");
    }

    pub(super) fn gauge(&self, name: &str) -> u64 {
        self.gauges.get(name).copied().unwrap_or_default()
    }

    /// How many of something the store holds.
    pub(super) fn rows(&self, what: &str) -> u64 {
        self.rows.get(what).copied().unwrap_or_default()
    }

    pub(super) fn series(&self) -> u64 {
        self.series.values().sum()
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, held) in PROCESSES.iter().zip(self.processes) {
            let Held { memory, descriptors, threads, log_lines } = held;
            write!(text, "{name} {:.1} MB, {descriptors} descriptors, ", memory as f64 / 1e6)?;
            write!(text, "{threads} threads, {log_lines} log lines; ")?;
        }
        let (sockets, followed) = (self.gauge(CONNECTED), self.gauge(FOLLOWED));
        let (jobs, topics, events) = (self.rows("job"), self.rows("topic"), self.rows("event"));
        write!(text, "{sockets} sockets, {followed} topics followed; ")?;
        write!(text, "in the store {jobs} jobs, {topics} topics, {events} events; ")?;
        write!(text, "{} series", self.series())
    }
}

/// What `counts` has more of than `base`: name, there and here.
pub(super) fn grown<'a>(counts: &'a Counts, base: &Counts) -> Vec<(&'a str, u64, u64)> {
    let before = |name: &str| base.get(name).copied().unwrap_or_default();
    let all = counts.iter().map(|(name, count)| (name.as_str(), before(name), *count));
    all.filter(|(_, before, count)| count > before).collect()
}

fn held(process: &Process) -> Held {
    let entries = |what: &str| {
        fs::read_dir(format!("/proc/{}/{what}", process.id())).expect("a running process").count()
    };
    Held {
        memory: process.memory(),
        descriptors: entries("fd"),
        threads: entries("task"),
        log_lines: process.stderr_lines().len(),
    }
}

async fn rows(stage: &Stage) -> Counts {
    let file = stage.core.data_dir().join("roomcast.db");
    let counted = finish(python("rows.py").arg(file)).await.ok();
    let counted: Value = serde_json::from_str(&counted).expect("an object");
    let counts = counted.as_object().expect("an object").iter();
    counts.map(|(name, count)| (name.clone(), count.as_u64().expect("a count"))).collect()
}
