//! `roomcast job`: create, look at, follow, cancel and retry jobs.

mod cancel;
mod create;
mod get;
mod list;
mod retry;
mod watch;

use anyhow::anyhow;
use roomcast_proto::v1::Job;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with jobs.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Arguments),
    Get(get::Arguments),
    List(list::Arguments),
    Watch(watch::Arguments),
    Cancel(cancel::Arguments),
    Retry(retry::Arguments),
}

pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, output).await,
        Command::Get(arguments) => get::run(arguments, output).await,
        Command::List(arguments) => list::run(arguments, output).await,
        Command::Watch(arguments) => watch::run(arguments, output).await,
        Command::Cancel(arguments) => cancel::run(arguments, output).await,
        Command::Retry(arguments) => retry::run(arguments, output).await,
    }
}

fn known(job: Option<Job>) -> Result<Job, Failure> {
    job.ok_or_else(|| anyhow!("the core's answer names no job").into())
}
