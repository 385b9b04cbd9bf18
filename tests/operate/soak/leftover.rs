//! What is still there of those who are gone. What is kept on purpose is named here, and why.

use super::stand::{Held, PROCESSES, Stand, grown};

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
/// Threads that encode what is large; they go when they have nothing to do for ten seconds.
const THREADS_MORE: usize = 4;

/// What was not there before: what each is, how much was there and how much is.
pub(super) fn leftovers(stand: &Stand, base: &Stand) -> Vec<String> {
    let gauges = grown(&stand.gauges, &base.gauges);
    let is_due = |name: &str| !KEPT.contains(&name) && !ONE.contains(&name);
    let rows = grown(&stand.rows, &base.rows).into_iter().filter(|(name, ..)| is_due(name));
    let more =
        ONE.iter().filter(|name| stand.rows(name) > 1).map(|name| (*name, 1, stand.rows(name)));
    let mut left: Vec<String> = gauges
        .into_iter()
        .chain(rows)
        .chain(more)
        .map(|(name, before, count)| format!("{name}: {count}, before {before}"))
        .collect();
    for (name, (held, before)) in PROCESSES.iter().zip(stand.processes.iter().zip(base.processes)) {
        let Held { descriptors, threads, .. } = *held;
        if descriptors > before.descriptors + DESCRIPTORS_MORE {
            left.push(format!("{name}: {descriptors} descriptors, before {}", before.descriptors));
        }
        if threads > before.threads + THREADS_MORE {
            left.push(format!("{name}: {threads} threads, before {}", before.threads));
        }
    }
    left
}
