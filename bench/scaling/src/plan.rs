//! What an installation of so many sockets needs, part by part, and which part is at its end first.

use std::fmt::Write as _;

use crate::cost::{
    CONNECT_US, POSTGRES_APPENDS, POSTGRES_BYTES, SOCKET_KB, call_us, edge_costs, join_us,
    stream_us,
};
use crate::edge;

/// Of what was measured, how much is planned with.
const PART: f64 = 0.5;
/// Everybody is back within this after a loss of all edges, or it is felt as an outage.
const BACK_SECONDS_MAX: f64 = 60.0;
/// Events a second that one edge takes in, by the cost of one and half of a processor.
const HANDED_EACH_MAX: f64 = 25_000.0;
/// Processors that an edge is given.
const EDGE_PROCESSORS: f64 = 4.0;
/// Cores that one PostgreSQL is shared by: seven connections each of some hundreds.
const CORES_PER_DATABASE: f64 = 32.0;

/// The sizes of docs/SCALING.md.
pub(crate) const SIZES: [f64; 3] = [1e5, 1e6, 1e7];

/// Who follows what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Audience {
    pub(crate) name: &'static str,
    /// Sockets of one topic.
    pub(crate) room: f64,
    /// Of one topic, a second.
    pub(crate) events: f64,
}

/// The audiences of docs/SCALING.md.
pub(crate) const AUDIENCES: [Audience; 3] = [
    Audience { name: "everybody watches a job: 1 event in 10 s", room: 1.0, events: 0.1 },
    Audience { name: "rooms of 50: 1 event in 10 s", room: 50.0, events: 0.1 },
    Audience { name: "one room of all: 10 events a second", room: f64::INFINITY, events: 10.0 },
];

/// What a process is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) sockets_per_edge: f64,
    pub(crate) core_processors: f64,
}

/// What is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) published: f64,
    pub(crate) delivered: f64,
    pub(crate) edges: f64,
    pub(crate) edge_memory_gb: f64,
    /// Processors of one edge.
    pub(crate) edge_processors: usize,
    pub(crate) cores: f64,
    /// Events a second that all cores hand to edges.
    pub(crate) handed: f64,
    pub(crate) databases: f64,
    pub(crate) terabytes_a_day: f64,
    /// When all sockets come back at once.
    pub(crate) back_seconds: f64,
}

/// Carries the costs on.
pub(crate) fn plan(audience: &Audience, sockets: f64, machine: &Machine) -> Plan {
    let room = audience.room.min(sockets);
    let topics = sockets / room;
    let published = topics * audience.events;
    let delivered = sockets * audience.events;
    let edges = (sockets / machine.sockets_per_edge / PART).ceil().max(2.0);
    let at_edge = sockets / edges;
    // Sockets of a topic are spread evenly: so many edges have at least one of them.
    let followed = edges * (1.0 - (1.0 - 1.0 / edges).powf(room));
    let handed = published * followed;
    let here = (room / followed).max(1.0);
    let rooms = edge::Rooms {
        rooms: (at_edge / here).round().max(1.0) as usize,
        sockets: here.round() as usize,
        events: audience.events,
    };
    let core_us = published * call_us() + handed * stream_us();
    let databases = (published / (POSTGRES_APPENDS * PART)).ceil();
    let cores = (core_us / 1e6 / machine.core_processors / PART).ceil().max(2.0);
    let edge_processors = edge::processors(&edge_costs(), rooms);
    let connecting = at_edge * CONNECT_US / 1e6 / edge_processors as f64;
    let joining = sockets * join_us() / 1e6 / (cores * machine.core_processors);
    Plan {
        published,
        delivered,
        edges,
        edge_memory_gb: at_edge * SOCKET_KB / 1e6,
        edge_processors,
        cores,
        handed,
        databases,
        terabytes_a_day: published * POSTGRES_BYTES * 86_400.0 / 1e12,
        back_seconds: connecting.max(joining),
    }
}

impl Plan {
    /// What is beyond one of its kind, worst first.
    pub(crate) fn breaks(&self) -> &'static str {
        let limits = [
            (self.handed / HANDED_EACH_MAX / self.edges, "an edge's one stream from its core"),
            (self.databases, "one PostgreSQL: its commits"),
            (self.cores / CORES_PER_DATABASE, "cores on one PostgreSQL: its connections"),
            (
                self.edge_processors as f64 / EDGE_PROCESSORS,
                "an edge's processors: fewer sockets each",
            ),
            (
                self.back_seconds / BACK_SECONDS_MAX,
                "everybody coming back at once: joins at the cores",
            ),
        ];
        let worst = limits.into_iter().max_by(|one, other| one.0.total_cmp(&other.0));
        worst.filter(|(times, _)| *times > 1.0).map_or("nothing", |(_, what)| what)
    }
}

/// The plans as a page.
pub(crate) fn page(audiences: &[Audience], sizes: &[f64], machine: &Machine) -> String {
    let mut page = String::new();
    for audience in audiences {
        let _ = writeln!(
            page,
            "**{}**\n\n| sockets | published/s | delivered/s | edges | GB, processors each | handed to edges/s | cores | all back, s | PostgreSQL | TB a day | beyond one of its kind |\n|---|---|---|---|---|---|---|---|---|---|---|",
            audience.name
        );
        for sockets in sizes {
            let plan = plan(audience, *sockets, machine);
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {:.1}, {} | {} | {} | {:.0} | {} | {:.2} | {} |",
                short(*sockets),
                short(plan.published),
                short(plan.delivered),
                plan.edges,
                plan.edge_memory_gb,
                plan.edge_processors,
                short(plan.handed),
                plan.cores,
                plan.back_seconds,
                plan.databases,
                plan.terabytes_a_day,
                plan.breaks(),
            );
        }
        page.push('\n');
    }
    page
}

fn short(number: f64) -> String {
    match number {
        n if n >= 1e6 => format!("{:.1}M", n / 1e6),
        n if n >= 1e4 => format!("{:.0}k", n / 1e3),
        n => format!("{n:.0}"),
    }
}
