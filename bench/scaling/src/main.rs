//! `roomcast-scaling`: what an installation of so many sockets needs, and what breaks first.
//!
//! [`cost`] holds what was measured, as docs/BENCHMARKS.md says it, and what one socket, event or call
//! costs by that. [`edge`] and [`calls`] are simulations of the two loops that all else follows from: an
//! edge that writes to its sockets in turn, and callers who wait for their answers. They must come to
//! what was measured, also where they were not fitted to it, before [`plan`] carries the costs on to
//! sizes that nobody has measured. docs/SCALING.md reads the result.

mod calls;
mod cost;
mod edge;
mod plan;

use std::io::Write as _;

use clap::Parser;

use crate::plan::{Audience, Machine};

/// What so many sockets need, and what breaks first
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:\n  roomcast-scaling --sockets 2000000 --room 50 --events 0.1"
)]
struct Cli {
    /// Sockets; without it, the sizes and audiences of docs/SCALING.md
    #[arg(long)]
    sockets: Option<f64>,
    /// Sockets of one topic
    #[arg(long, default_value_t = 50.0)]
    room: f64,
    /// Events a second in one topic
    #[arg(long, default_value_t = 0.1)]
    events: f64,
    /// Sockets that an edge is given at most
    #[arg(long, default_value_t = 50_000.0)]
    sockets_per_edge: f64,
    /// Processors of a core's machine
    #[arg(long, default_value_t = 8.0)]
    core_processors: f64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let machine =
        Machine { sockets_per_edge: cli.sockets_per_edge, core_processors: cli.core_processors };
    let page = match cli.sockets {
        Some(sockets) => {
            let audience = Audience { name: "yours", room: cli.room, events: cli.events };
            plan::page(&[audience], &[sockets], &machine)
        }
        None => cost::page() + &plan::page(&plan::AUDIENCES, &plan::SIZES, &machine),
    };
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}
