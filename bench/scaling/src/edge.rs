//! An edge's loop on one processor: it goes from socket to socket and writes to each what has come for it by
//! then. The longer a round takes, the more goes out with one write; so load makes rounds longer before it
//! makes anything late, and the processor is busy either way.

use std::collections::VecDeque;

use crate::cost::EdgeCosts;

/// Virtual microseconds that are simulated.
const SPAN_US: f64 = 2e6;
/// Waits are counted in steps of this, up to the longest that is told apart.
const STEP_US: f64 = 50.0;
const STEPS: usize = 40_000;
/// Beyond this a room is not served in time, whatever arrives in the end.
pub(crate) const LATE_MS: f64 = 250.0;

/// What is followed at an edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rooms {
    pub(crate) rooms: usize,
    /// Of each room.
    pub(crate) sockets: usize,
    /// Of each room, a second.
    pub(crate) events: f64,
}

/// How it went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivered {
    pub(crate) cpu_us_per_delivery: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Runs the loop. Rooms have their events in turn, at an even pace.
pub(crate) fn simulate(costs: &EdgeCosts, rooms: Rooms) -> Delivered {
    let mut edge = Edge::new(costs, rooms);
    let mut idle = 0.0;
    while edge.now < SPAN_US {
        edge.take_in();
        match edge.news.pop_front() {
            Some(room) => edge.serve(room),
            None => {
                let next = edge.taken_in as f64 * edge.pace_us;
                idle += next - edge.now;
                edge.now = next;
            }
        }
    }
    let deliveries: u64 = edge.waits.iter().sum();
    Delivered {
        cpu_us_per_delivery: (edge.now - idle) / deliveries as f64,
        p50_ms: edge.quantile_ms(deliveries / 2),
        p99_ms: edge.quantile_ms(deliveries / 100 * 99),
    }
}

struct Edge<'costs> {
    costs: &'costs EdgeCosts,
    rooms: Rooms,
    /// Between two events, of whatever room.
    pace_us: f64,
    now: f64,
    taken_in: usize,
    /// Rooms with something new, each once.
    news: VecDeque<usize>,
    has_news: Vec<bool>,
    /// How many of its room's events each socket has.
    has: Vec<usize>,
    waits: Vec<u64>,
}

impl<'costs> Edge<'costs> {
    fn new(costs: &'costs EdgeCosts, rooms: Rooms) -> Edge<'costs> {
        Edge {
            costs,
            rooms,
            pace_us: 1e6 / rooms.events / rooms.rooms as f64,
            now: 0.0,
            taken_in: 0,
            news: VecDeque::new(),
            has_news: vec![false; rooms.rooms],
            has: vec![0; rooms.rooms * rooms.sockets],
            waits: vec![0; STEPS],
        }
    }

    /// Takes in what has come from the core.
    fn take_in(&mut self) {
        while self.taken_in as f64 * self.pace_us <= self.now {
            let room = self.taken_in % self.rooms.rooms;
            self.taken_in += 1;
            self.now += self.costs.event_us;
            if !std::mem::replace(&mut self.has_news[room], true) {
                self.news.push_back(room);
            }
        }
    }

    /// Writes to each socket of a room.
    fn serve(&mut self, room: usize) {
        self.has_news[room] = false;
        for socket in 0..self.rooms.sockets {
            self.take_in();
            let came = (self.taken_in + self.rooms.rooms - 1 - room) / self.rooms.rooms;
            let had = std::mem::replace(&mut self.has[room * self.rooms.sockets + socket], came);
            if came == had {
                continue;
            }
            self.now += self.costs.write_us + self.costs.frame_us * (came - had) as f64;
            for number in had..came {
                let came_at = (number * self.rooms.rooms + room) as f64 * self.pace_us;
                let step = ((self.now - came_at) / STEP_US) as usize;
                self.waits[step.min(STEPS - 1)] += 1;
            }
        }
    }

    fn quantile_ms(&self, rank: u64) -> f64 {
        let mut seen = 0;
        let step = self.waits.iter().position(|count| {
            seen += count;
            seen > rank
        });
        step.unwrap_or(STEPS) as f64 * STEP_US / 1000.0
    }
}

/// Most deliveries a second to one room of so many sockets, in time.
pub(crate) fn most(costs: &EdgeCosts, sockets: usize) -> f64 {
    let (mut served, mut missed) = (1.0, 1e6 / costs.event_us);
    while missed / served > 1.01 {
        let events = f64::sqrt(served * missed);
        let late = simulate(costs, Rooms { rooms: 1, sockets, events }).p99_ms;
        *(if late < LATE_MS { &mut served } else { &mut missed }) = events;
    }
    served * sockets as f64
}

/// Processors, each with its part of the sockets, that serve these rooms in half of the time they may take.
pub(crate) fn processors(costs: &EdgeCosts, rooms: Rooms) -> usize {
    let is_enough = |processors: &usize| {
        let part = if rooms.rooms > 1 {
            Rooms { rooms: rooms.rooms.div_ceil(*processors), ..rooms }
        } else {
            Rooms { sockets: rooms.sockets.div_ceil(*processors), ..rooms }
        };
        simulate(costs, part).p99_ms < LATE_MS / 2.0
    };
    (1..PROCESSORS_MAX).find(is_enough).unwrap_or(PROCESSORS_MAX)
}

/// More than a machine has.
const PROCESSORS_MAX: usize = 128;
