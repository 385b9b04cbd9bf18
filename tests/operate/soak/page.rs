//! What a run shows, as its page of evidence.

use super::Course;
use super::stand::{CONNECTED, FOLLOWED, Held, Stand};
use crate::support::Evidence;

/// Writes the page.
pub(super) fn write(course: &Course) {
    let Course { base, rests, height, waves, longest } = course;
    let stands: Vec<&Stand> = [base].into_iter().chain(rests).chain([height]).collect();
    let row = |figure: &dyn Fn(&Stand) -> String| {
        stands.iter().map(|stand| figure(stand)).collect::<Vec<_>>().join(" · ")
    };
    let [core, edge] = [0, 1].map(|process| move |stand: &Stand| stand.processes[process]);
    let memory = |held: Held| format!("{:.1} MB", held.memory as f64 / 1e6);
    let others = |held: Held| format!("{}, {}, {}", held.descriptors, held.threads, held.log_lines);
    let gauge = |name: &'static str| move |stand: &Stand| stand.gauge(name).to_string();
    let held = |what: &'static str| move |stand: &Stand| stand.rows(what).to_string();
    let rounds = rests.len();
    Evidence::of("Coming and going", "nothing_is_left")
        .row("waves, each of new users, jobs, workers, sessions, rooms, rights and keys", waves)
        .row(
            "all that was to go had gone, after a round's last wave, within",
            format!("{longest:.0?}"),
        )
        .row(
            "figures",
            format!("before · at rest after each of {rounds} rounds · as the last wave ended"),
        )
        .row("memory of the core", row(&|stand| memory(core(stand))))
        .row("memory of the edge", row(&|stand| memory(edge(stand))))
        .row("descriptors, threads, log lines of the core", row(&|stand| others(core(stand))))
        .row("descriptors, threads, log lines of the edge", row(&|stand| others(edge(stand))))
        .row("topics followed at the core", row(&gauge(FOLLOWED)))
        .row("sockets at the edge", row(&gauge(CONNECTED)))
        .row("series of both pages", row(&|stand| stand.series().to_string()))
        .row("jobs in the store", row(&held("job")))
        .row("topics in the store", row(&held("topic")))
        .row("idempotency keys", row(&held("idempotency")))
        .row("events in the store", row(&held("event")))
        .row("the store's files", row(&|stand| format!("{:.1} MB", stand.file_bytes as f64 / 1e6)))
        .write("soak");
}
