//! What was measured, and what one thing costs by that. Times in microseconds of one processor.

use std::fmt::Write as _;

use crate::{calls, edge};

/// The edge's processor for a delivery to rooms of two, of the raw server and of the edge, at 10,000
/// deliveries a second: nothing is written together there.
const PAIR_RAW_US: f64 = 10.7;
const PAIR_US: f64 = 20.6;
/// Most deliveries a second of one edge to a room of 1,000, and what they cost at half of that.
const ROOM: usize = 1000;
const ROOM_MAX: f64 = 4_472_000.0;
const ROOM_HALF_US: f64 = 0.45;
const ROOM_HALF_P50_MS: f64 = 9.0;
const ROOM_HALF_P99_MS: f64 = 28.7;
/// Publishes through gRPC by 1, 64 and 1,024 callers, and how long half of them take at most.
const CALLS: [(usize, f64, f64); 3] =
    [(1, 2889.0, 0.29), (64, 25642.0, 2.26), (1024, 28749.0, 34.58)];
/// The processors that callers and core shared there, and the part of it that is the core's.
const CALLS_PROCESSORS: f64 = 2.0;
const CORES_PART: f64 = 0.5;
/// Events to streams of a core, all in one process on two processors.
const STREAMED: f64 = 231_608.0;
/// An idle socket that has joined a topic, and each further topic.
pub(crate) const SOCKET_KB: f64 = 27.5;
/// Connecting and joining: the edge's processor, and how many a second there were while core and load
/// shared one.
pub(crate) const CONNECT_US: f64 = 164.0;
const CONNECTS: f64 = 5380.0;
/// Durable appends a second of one PostgreSQL on the same machine, by 1,024 publishers, and what an
/// event takes on its disk: a prototype with the statements of the store.
pub(crate) const POSTGRES_APPENDS: f64 = 162_000.0;
pub(crate) const POSTGRES_BYTES: f64 = 307.0;

/// What an edge pays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EdgeCosts {
    /// For an event that comes in, whoever gets it.
    pub(crate) event_us: f64,
    /// For a write to a socket, whatever it carries.
    pub(crate) write_us: f64,
    /// For an event inside of a write.
    pub(crate) frame_us: f64,
}

/// From two points of an edge and one of a raw server.
pub(crate) fn edge_costs() -> EdgeCosts {
    let event_us = 2.0 * (PAIR_US - PAIR_RAW_US);
    let events_max = ROOM_MAX / ROOM as f64;
    let frame_us = (1e6 / events_max - event_us) / ROOM as f64;
    EdgeCosts { event_us, write_us: PAIR_RAW_US, frame_us }
}

/// One publish by a call of its own, for the core.
pub(crate) fn call_us() -> f64 {
    calls_us() * CALLS_PROCESSORS * CORES_PART
}

/// One event to one edge, for the core.
pub(crate) fn stream_us() -> f64 {
    1e6 / STREAMED * CALLS_PROCESSORS * CORES_PART
}

/// One socket's join, for the core.
pub(crate) fn join_us() -> f64 {
    1e6 / CONNECTS * CORES_PART
}

fn calls_us() -> f64 {
    1e6 / CALLS[2].1
}

/// A measured point beside what the simulation says.
#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) measured: f64,
    pub(crate) simulated: f64,
    /// Whether a cost was taken from it, so that it must come out.
    pub(crate) is_fitted: bool,
}

/// All that the simulations can be held against.
pub(crate) fn points() -> Vec<Point> {
    let costs = edge_costs();
    let mut points = Vec::new();
    let mut point = |name: &str, measured, simulated, is_fitted| {
        points.push(Point { name: name.to_owned(), measured, simulated, is_fitted });
    };
    let pairs = edge::simulate(&costs, edge::Rooms { rooms: 500, sockets: 2, events: 10.0 });
    point("rooms of 2: CPU µs a delivery", PAIR_US, pairs.cpu_us_per_delivery, true);
    let half = ROOM_MAX / ROOM as f64 / 2.0;
    let half = edge::simulate(&costs, edge::Rooms { rooms: 1, sockets: ROOM, events: half });
    point(
        "room of 1,000, half load: CPU µs a delivery",
        ROOM_HALF_US,
        half.cpu_us_per_delivery,
        false,
    );
    point("room of 1,000, half load: p50 ms", ROOM_HALF_P50_MS, half.p50_ms, false);
    point("room of 1,000, half load: p99 ms", ROOM_HALF_P99_MS, half.p99_ms, false);
    let most = edge::most(&costs, ROOM);
    point("room of 1,000: most deliveries a second", ROOM_MAX, most, true);
    for (callers, rate, p50_ms) in CALLS {
        let answered = calls::simulate(callers, 1e6 / CALLS[0].1, calls_us());
        let is_fitted = callers != 64;
        point(&format!("{callers} callers: publishes a second"), rate, answered.rate, is_fitted);
        point(&format!("{callers} callers: p50 ms"), p50_ms, answered.p50_ms, false);
    }
    points
}

/// The points as a page.
pub(crate) fn page() -> String {
    let mut page = "| measured | figure | simulated | |\n|---|---|---|---|\n".to_owned();
    for Point { name, measured, simulated, is_fitted } in points() {
        let how = if is_fitted { "fitted" } else { "predicted" };
        let _ = writeln!(page, "| {name} | {measured} | {simulated:.2} | {how} |");
    }
    page + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was fitted comes out, and what was not comes out nearly: half as much again at most.
    #[test]
    fn the_simulations_come_to_what_was_measured() {
        for Point { name, measured, simulated, is_fitted } in points() {
            let off = (simulated / measured).max(measured / simulated);
            let allowed = if is_fitted { 1.1 } else { 1.5 };
            assert!(off < allowed, "{name}: measured {measured}, simulated {simulated}");
        }
    }

    /// Without the costs that were found the points are missed, so that they are worth something.
    #[test]
    fn other_costs_miss_the_points() {
        let right = edge_costs();
        let rooms = || edge::Rooms { rooms: 1, sockets: ROOM, events: 2236.0 };
        let p50 = |costs: &EdgeCosts| edge::simulate(costs, rooms()).p50_ms;
        assert!(
            p50(&EdgeCosts { write_us: 3.0 * right.write_us, ..right }) > 1.5 * ROOM_HALF_P50_MS
        );
        assert!(
            p50(&EdgeCosts { frame_us: 3.0 * right.frame_us, ..right }) > 1.5 * ROOM_HALF_P50_MS
        );
        let most = edge::most(&EdgeCosts { frame_us: 2.0 * right.frame_us, ..right }, ROOM);
        assert!(most < ROOM_MAX / 1.5);
    }

    /// What is called measured stands in docs/BENCHMARKS.md.
    #[test]
    fn every_measured_figure_is_a_published_one() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/BENCHMARKS.md");
        let page = std::fs::read_to_string(page).expect("the page");
        for said in [
            "| raw | 10.7; 0.8 / 2.4 |",
            "| roomcast | 20.6; 2.1 / 4.6 |",
            "| roomcast | 4472k | 0.17 | 0.45 | 9.0 / 28.7 |",
            "2889/s (0.29/0.82 ms) | 25642/s (2.26/5.86 ms) | 28749/s (34.58/71.22 ms)",
            "231608 events/s",
            "| roomcast | 27.5 | 5380 | 164 |",
        ] {
            assert!(page.contains(said), "docs/BENCHMARKS.md does not say {said}");
        }
    }
}
