//! `roomcast-fanout`: what it costs to bring an event to many sockets, for the edge and its peers, one
//! after the other in one run on one machine. Figures, not tests: compare ratios, never runs.
//!
//! The server under test has one core of its own; this program, and whatever else must run beside a
//! server, has the other. Events are published at intended moments, which they carry, whether or not the
//! server keeps up: a latency is counted from the moment an event was due.

mod arrivals;
mod commands;
mod connection;
mod cost;
mod crowd;
mod disturbance;
mod peer;
mod publisher;
mod table;
mod tally;
mod trial;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::commands::Commands;
use crate::disturbance::{Disturbance, HISTORY_KEPT};
use crate::peer::{PEERS, Peer};
use crate::trial::{Gathering, STEADY_RATES, Scene, Stage, Trial};

/// Fan-out, beside other servers
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// What to measure
    #[command(subcommand)]
    what: What,
    /// Only these servers
    #[arg(long, global = true, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds of each trial
    #[arg(long, global = true, default_value_t = 2.0)]
    seconds: f64,
    /// Folder of the peers' packages
    #[arg(long, global = true, default_value = "bench/peers")]
    peers: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum What {
    /// One room of 1,000 sockets: the most that is sustained, and the cost at half of it
    Room,
    /// 500 rooms of 2 sockets, at steady rates
    Rooms,
    /// 5,000 sockets that are idle: memory of each, and how fast they come
    Idle,
    /// One room of 1,000 sockets, with and without 10 more that are never read
    Unread,
    /// One room of 200 sockets, with and without one that catches up with a million events in another
    Replay,
    /// A session's commands, with and without sockets that follow it
    Commands,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    cost::raise_descriptor_limit()?;
    cost::keep_to(cost::LOAD_CORE)?;
    let page = match cli.what {
        What::Room => table::room(&cli.each(room)?),
        What::Rooms => table::rooms(&cli.each(rooms)?),
        What::Idle => table::idle(&cli.each(idle)?),
        What::Unread => table::disturbance("10 more are never read", &cli.each(unread)?),
        What::Replay => table::disturbance("one more catches up", &cli.each(replay)?),
        What::Commands => table::commands(&cli.each(commands)?),
    };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

/// What was measured of each server.
type Rows<T> = Vec<(&'static Peer, T)>;

impl Cli {
    fn each<T>(
        &self,
        measure: impl Fn(&Cli, &'static Peer) -> anyhow::Result<T>,
    ) -> anyhow::Result<Rows<T>> {
        let is_wanted =
            |peer: &&Peer| self.only.is_empty() || self.only.iter().any(|name| name == peer.name);
        let mut rows = Vec::new();
        for peer in PEERS.iter().filter(is_wanted) {
            match measure(self, peer) {
                Ok(row) => rows.push((peer, row)),
                // The others' figures stand.
                Err(error) => writeln!(std::io::stderr(), "{}: {error:#}", peer.name)?,
            }
        }
        Ok(rows)
    }

    fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn room(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Vec<Trial>> {
    let server = peer.start(&cli.peers, None)?;
    let mut stage = Stage::set(&server, Scene { sockets: 1000, rooms: 1 })?;
    let most = stage.most(peer.begin_at, cli.span())?;
    let half = stage.run(most.rate / 2.0, cli.span() * 2)?;
    Ok(vec![most, half])
}

fn rooms(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Vec<Trial>> {
    let server = peer.start(&cli.peers, None)?;
    let mut stage = Stage::set(&server, Scene { sockets: 1000, rooms: 500 })?;
    let mut trials: Vec<Trial> = Vec::new();
    for deliveries in STEADY_RATES {
        if trials.iter().all(Trial::is_sustained) {
            trials.push(stage.run(deliveries / 2.0, cli.span())?);
        }
    }
    Ok(trials)
}

fn idle(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Gathering> {
    let server = peer.start(&cli.peers, None)?;
    Ok(Stage::set(&server, Scene { sockets: 5000, rooms: 1 })?.gathering())
}

fn unread(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Disturbance> {
    let server = peer.start(&cli.peers, None)?;
    let mut stage = Stage::set(&server, Scene { sockets: 1000, rooms: 1 })?;
    disturbance::by_unread(&mut stage, cli.span())
}

fn replay(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Disturbance> {
    anyhow::ensure!(peer.keeps_events(), "nothing is kept");
    let server = peer.start(&cli.peers, Some(HISTORY_KEPT))?;
    let mut stage = Stage::set(&server, Scene { sockets: 200, rooms: 1 })?;
    disturbance::by_replay(&mut stage, cli.span())
}

fn commands(cli: &Cli, peer: &'static Peer) -> anyhow::Result<Commands> {
    anyhow::ensure!(peer.keeps_events(), "there are no sessions");
    commands::measure(&peer.start(&cli.peers, None)?, cli.span())
}
