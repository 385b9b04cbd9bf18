//! `roomcast-fanout`: what it costs to bring an event to many sockets, for the edge and its peers, one
//! after the other in one run on one machine. Figures, not tests: compare ratios, never runs.
//!
//! The server under test has one core of its own; this program, and whatever else must run beside a
//! server, has the other. Events are published at intended moments, which they carry, whether or not the
//! server keeps up: a latency is counted from the moment an event was due.

mod arrivals;
mod cost;
mod crowd;
mod peer;
mod publisher;
mod table;
mod trial;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::peer::PEERS;
use crate::table::Measured;
use crate::trial::Scene;

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
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    cost::raise_descriptor_limit()?;
    cost::keep_to(cost::LOAD_CORE)?;
    let span = Duration::from_secs_f64(cli.seconds);
    let mut measured = Vec::new();
    for peer in PEERS
        .iter()
        .filter(|peer| cli.only.is_empty() || cli.only.iter().any(|name| name == peer.name))
    {
        let scene = match cli.what {
            What::Room => Scene { sockets: 1000, rooms: 1 },
            What::Rooms => Scene { sockets: 1000, rooms: 500 },
            What::Idle => Scene { sockets: 5000, rooms: 1 },
        };
        match measure(cli.what, peer, scene, span, &cli.peers) {
            Ok(row) => measured.push(row),
            // The others' figures stand.
            Err(error) => writeln!(std::io::stderr(), "{}: {error:#}", peer.name)?,
        }
    }
    let page = match cli.what {
        What::Room => table::room(&measured),
        What::Rooms => table::rooms(&measured),
        What::Idle => table::idle(&measured),
    };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}

fn measure(
    what: What,
    peer: &'static peer::Peer,
    scene: Scene,
    span: Duration,
    folder: &std::path::Path,
) -> anyhow::Result<Measured> {
    let server = peer.start(folder)?;
    let mut stage = trial::Stage::set(&server, scene)?;
    let mut measured = Measured::new(peer, stage.gathering());
    match what {
        What::Room => {
            let most = stage.most(peer.begin_at, span)?;
            let half = stage.run(most.rate / 2.0, span * 2)?;
            measured.trials = vec![most, half];
        }
        What::Rooms => {
            for deliveries in trial::STEADY_RATES {
                let trial = stage.run(deliveries / 2.0, span)?;
                let kept_up = trial.is_sustained();
                measured.trials.push(trial);
                if !kept_up {
                    break;
                }
            }
        }
        What::Idle => {}
    }
    Ok(measured)
}
