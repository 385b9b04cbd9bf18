//! Figures as Markdown, each beside those of the others.

use std::fmt::Write as _;
use std::time::Duration;

use crate::peer::Peer;
use crate::trial::{Gathering, STEADY_RATES, Trial};

/// All that was measured of one server.
#[derive(Debug)]
pub(crate) struct Measured {
    peer: &'static Peer,
    gathering: Gathering,
    pub(crate) trials: Vec<Trial>,
}

impl Measured {
    pub(crate) fn new(peer: &'static Peer, gathering: Gathering) -> Measured {
        Measured { peer, gathering, trials: Vec::new() }
    }
}

/// The most that is sustained and its half.
pub(crate) fn room(measured: &[Measured]) -> String {
    let mut page = String::from(
        "\n| 1 room, 1,000 sockets | max sustained, deliveries/s | of raw | CPU µs/delivery at half | p50 / p99 ms at half | bytes/delivery | beside, share of a core |\n|---|---|---|---|---|---|---|\n",
    );
    let most = |of: &Measured| of.trials.first().map_or(0.0, |trial| trial.delivered);
    let raw = measured.iter().find(|of| of.peer.name == "raw").map(most);
    for of in measured {
        let [_, half] = &of.trials[..] else { continue };
        let share = raw.map_or_else(|| "–".to_owned(), |raw| format!("{:.2}", most(of) / raw));
        let row = format!(
            "| {} | {:.0}k | {share} | {:.2} | {} | {:.0} | {:.2} |",
            of.peer.name,
            most(of) / 1000.0,
            micros(half.cpu_each),
            latency(half),
            half.bytes_each,
            half.beside,
        );
        line(&mut page, &row);
    }
    page + &settings(measured)
}

/// Many small rooms at steady rates.
pub(crate) fn rooms(measured: &[Measured]) -> String {
    let mut page = String::from("\n| 500 rooms of 2: CPU µs/delivery; p50 / p99 ms |");
    for rate in STEADY_RATES {
        let _ = write!(page, " {:.0}k deliveries/s |", rate / 1000.0);
    }
    page += "\n|---|---|---|---|\n";
    for of in measured {
        let cells = (0..STEADY_RATES.len()).map(|at| match of.trials.get(at) {
            Some(trial) if trial.is_sustained() => {
                format!("{:.1}; {}", micros(trial.cpu_each), latency(trial))
            }
            Some(trial) => format!("falls behind: {:.0}k", trial.delivered / 1000.0),
            None => "–".to_owned(),
        });
        line(
            &mut page,
            &format!("| {} | {} |", of.peer.name, cells.collect::<Vec<_>>().join(" | ")),
        );
    }
    page + &settings(measured)
}

/// Sockets that do nothing.
pub(crate) fn idle(measured: &[Measured]) -> String {
    let mut page = String::from(
        "\n| 5,000 idle sockets | KB each | connects/s, joined | CPU µs/connect |\n|---|---|---|---|\n",
    );
    for of in measured {
        let Gathering { sockets, took, cpu, memory } = of.gathering;
        let sockets = sockets as f64;
        let row = format!(
            "| {} | {:.1} | {:.0} | {:.0} |",
            of.peer.name,
            memory as f64 / 1024.0 / sockets,
            sockets / took.as_secs_f64(),
            micros(cpu) / sockets,
        );
        line(&mut page, &row);
    }
    page + &settings(measured)
}

fn settings(measured: &[Measured]) -> String {
    let mut page = String::from("\n");
    for of in measured {
        line(&mut page, &format!("- *{}*: {}.", of.peer.name, of.peer.settings));
    }
    page
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

fn latency(trial: &Trial) -> String {
    let millis = |share| trial.arrivals.at(share).as_secs_f64() * 1000.0;
    format!("{:.1} / {:.1}", millis(0.5), millis(0.99))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
