//! Figures as Markdown, each beside those of the others.

use std::fmt::Write as _;
use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::commands::Commands;
use crate::disturbance::Disturbance;
use crate::peer::Peer;
use crate::trial::{Gathering, STEADY_RATES, Trial};

type Rows<T> = [(&'static Peer, T)];

/// The most that is sustained and its half.
pub(crate) fn room(rows: &Rows<Vec<Trial>>) -> String {
    let mut page = String::from(
        "\n| 1 room, 1,000 sockets | max sustained, deliveries/s | of raw | of raw-tasks | CPU µs/delivery at half | p50 / p99 ms at half | bytes/delivery | beside, share of a core |\n|---|---|---|---|---|---|---|---|\n",
    );
    let most = |trials: &[Trial]| trials.first().map_or(0.0, |trial| trial.delivered);
    for (peer, trials) in rows {
        let [_, half] = &trials[..] else { continue };
        let share = |limit: &str| {
            let limit = rows.iter().find(|(peer, _)| peer.name == limit);
            let share = limit.map(|(_, of_limit)| most(trials) / most(of_limit));
            share.map_or_else(|| "–".to_owned(), |share| format!("{share:.3}"))
        };
        let row = format!(
            "| {} | {:.0}k | {} | {} | {:.2} | {} | {:.0} | {:.2} |",
            peer.name,
            most(trials) / 1000.0,
            share("raw"),
            share("raw-tasks"),
            micros(half.cpu_each),
            latency(&half.arrivals),
            half.bytes_each,
            half.beside,
        );
        line(&mut page, &row);
    }
    page + &settings(rows)
}

/// Many small rooms at steady rates.
pub(crate) fn rooms(rows: &Rows<Vec<Trial>>) -> String {
    let mut page = String::from("\n| 500 rooms of 2: CPU µs/delivery; p50 / p99 ms |");
    for rate in STEADY_RATES {
        let _ = write!(page, " {:.0}k deliveries/s |", rate / 1000.0);
    }
    page += "\n|---|---|---|---|\n";
    for (peer, trials) in rows {
        let cells = (0..STEADY_RATES.len()).map(|at| match trials.get(at) {
            Some(trial) if trial.is_sustained() => {
                format!("{:.1}; {}", micros(trial.cpu_each), latency(&trial.arrivals))
            }
            Some(trial) => format!("falls behind: {:.0}k", trial.delivered / 1000.0),
            None => "–".to_owned(),
        });
        line(&mut page, &format!("| {} | {} |", peer.name, cells.collect::<Vec<_>>().join(" | ")));
    }
    page + &settings(rows)
}

/// Sockets that do nothing.
pub(crate) fn idle(rows: &Rows<Gathering>) -> String {
    let mut page = String::from(
        "\n| 5,000 idle sockets | KB each | connects/s, joined | CPU µs/connect |\n|---|---|---|---|\n",
    );
    for (peer, Gathering { sockets, took, cpu, memory }) in rows {
        let sockets = *sockets as f64;
        let row = format!(
            "| {} | {:.1} | {:.0} | {:.0} |",
            peer.name,
            *memory as f64 / 1024.0 / sockets,
            sockets / took.as_secs_f64(),
            micros(*cpu) / sockets,
        );
        line(&mut page, &row);
    }
    page + &settings(rows)
}

/// An audience without and with others.
pub(crate) fn disturbance(others: &str, rows: &Rows<Disturbance>) -> String {
    let mut page = format!(
        "\n| {:.0} events/s, p99 ms | alone | {others} | ratio | memory grew, MB | lost | replayed |\n|---|---|---|---|---|---|---|\n",
        crate::disturbance::RATE
    );
    for (peer, Disturbance { without, with, grew, replayed }) in rows {
        let (alone, disturbed) = (p99s(without), p99s(with));
        let list = |all: &[f64]| {
            let all = all.iter().map(|one| format!("{one:.1}")).collect::<Vec<_>>();
            all.join(", ")
        };
        let lost: i64 = without.iter().chain(with).map(|trial| trial.lost).sum();
        let replayed = replayed.map_or_else(
            || "–".to_owned(),
            |(events, took)| format!("{events} in {:.0} s", took.as_secs_f64()),
        );
        let row = format!(
            "| {} | {} | {} | {:.2} | {:.1} | {lost} | {replayed} |",
            peer.name,
            list(&alone),
            list(&disturbed),
            middle(disturbed) / middle(alone),
            *grew as f64 / 1e6,
        );
        line(&mut page, &row);
    }
    page + &settings(rows)
}

/// A session's commands.
pub(crate) fn commands(rows: &Rows<Commands>) -> String {
    let mut page = String::from(
        "\n| subscribers | a command, p50 / p99 ms | with none, before and after | ratio of p50 | an event to a socket, p50 / p99 ms | lost |\n|---|---|---|---|---|---|\n",
    );
    for (_, Commands { points, most }) in rows {
        for point in points {
            let none = (half(&point.before) + half(&point.after)) / 2.0;
            let row = format!(
                "| {} | {} | {}; {} | {:.3} | {} | {} |",
                point.subscribers,
                latency(&point.with),
                latency(&point.before),
                latency(&point.after),
                half(&point.with) / none,
                latency(&point.events),
                point.lost,
            );
            line(&mut page, &row);
        }
        let row = format!(
            "\nAt most {:.0} commands/s, each to {} sockets: {:.0} deliveries/s, {} lost.",
            most.commands_per_second,
            most.subscribers,
            most.commands_per_second * most.subscribers as f64,
            most.lost,
        );
        line(&mut page, &row);
    }
    page
}

fn settings<T>(rows: &Rows<T>) -> String {
    let mut page = String::from("\n");
    for (peer, _) in rows {
        line(&mut page, &format!("- *{}*: {}.", peer.name, peer.settings));
    }
    page
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

fn latency(arrivals: &Arrivals) -> String {
    let millis = |share| arrivals.at(share).as_secs_f64() * 1000.0;
    format!("{:.2} / {:.2}", millis(0.5), millis(0.99))
}

fn half(arrivals: &Arrivals) -> f64 {
    arrivals.at(0.5).as_secs_f64()
}

fn p99s(trials: &[Trial]) -> Vec<f64> {
    trials.iter().map(|trial| trial.arrivals.at(0.99).as_secs_f64() * 1000.0).collect()
}

fn middle(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
