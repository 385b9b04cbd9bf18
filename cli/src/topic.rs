//! `roomcast topic`: publish to topics, read and follow them.

mod get;
mod publish;
mod tail;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with topics.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Publish(publish::Arguments),
    Tail(tail::Arguments),
    Get(get::Arguments),
}

pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Publish(arguments) => publish::run(arguments, output).await,
        Command::Tail(arguments) => tail::run(arguments, output).await,
        Command::Get(arguments) => get::run(arguments, output).await,
    }
}
