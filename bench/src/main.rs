//! `roomcast-bench`: figures, not tests. Every figure stands beside what the same disk, the same
//! SQLite or the same machine does at best in the same run; compare ratios, never runs.

mod bare;
mod body;
mod bus;
mod commits;
mod disk;
mod figure;
mod gateway;
mod graph;
mod latency;
mod load;
mod maintenance;
mod postgres;
mod rpc;
mod server;
mod session;
mod store;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Figures of Roomcast
#[derive(Debug, Parser)]
#[command(version, after_help = "Example:\n  cargo run --release -p roomcast-bench -- all")]
struct Cli {
    /// What to measure
    #[command(subcommand)]
    what: What,
    /// Seconds for each case
    #[arg(long, global = true, default_value_t = 3)]
    seconds: u64,
    /// Folder on the disk to measure; a temporary one is made in it
    #[arg(long, global = true, default_value = ".")]
    dir: PathBuf,
    /// Of the commits, only the rows whose name contains one of these, separated by semicolons
    #[arg(long, global = true, value_delimiter = ';', default_value = "")]
    only: Vec<String>,
    /// Publishers side by side, for the commits
    #[arg(long, global = true, value_delimiter = ',', default_value = "1,64,1024")]
    publishers: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum What {
    /// Durable commits a second: raw fsync, a bare SQLite writer, the store, through gRPC
    Commits,
    /// Acknowledgements while a million old events are deleted
    Maintenance,
    /// From a job's creation to its worker
    Start,
    /// From a publish to a browser's socket
    Socket,
    /// What a session's size costs its snapshot and its commands
    Graph,
    /// What streams that follow a session cost its commands
    Watch,
    /// Everything that needs no other server
    All,
    /// Durable commits a second to PostgreSQL: bare lanes, the stores of one to three cores, Redis Streams
    Postgres,
    /// From a publish to another core's subscriber, with Redis alive and dead
    Bus,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let folder = tempfile::tempdir_in(&cli.dir)?;
    let span = Duration::from_secs(cli.seconds);
    let wants = |what| cli.what == What::All || cli.what == what;
    let mut page = String::new();
    if wants(What::Commits) {
        page += &commits::measure(folder.path(), span, &cli.only, &cli.publishers).await?;
    }
    if wants(What::Maintenance) {
        page += &maintenance::measure(folder.path(), span).await?;
    }
    if wants(What::Start) {
        page += &latency::start(folder.path(), span).await?;
    }
    if wants(What::Socket) {
        page += &latency::socket(folder.path(), span).await?;
    }
    if wants(What::Graph) {
        page += &graph::measure(folder.path(), span).await?;
    }
    if wants(What::Watch) {
        page += &watch::measure(folder.path(), span).await?;
    }
    if cli.what == What::Postgres {
        page += &postgres::measure(&cli.dir, span, &cli.only, &cli.publishers).await?;
    }
    if cli.what == What::Bus {
        page += &bus::measure(folder.path(), &cli.dir, span).await?;
    }
    std::io::stdout().lock().write_all(page.as_bytes())?;
    Ok(())
}
