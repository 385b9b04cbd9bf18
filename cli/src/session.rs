//! `roomcast session`: shared documents, and the graphs in them.

mod close;
mod create;
mod exec;
mod get;
mod graph;
mod history;
mod list;
mod save;
mod watch;

use anyhow::anyhow;
use roomcast_proto::v1::Session;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with sessions.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Arguments),
    Get(get::Arguments),
    List(list::Arguments),
    Close(close::Arguments),
    Watch(watch::Arguments),
    Graph(graph::Arguments),
    Exec(exec::Arguments),
    Undo(history::Undo),
    Redo(history::Redo),
    Save(save::Save),
    Load(save::Load),
    Saves(save::Saves),
}

pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, output).await,
        Command::Get(arguments) => get::run(arguments, output).await,
        Command::List(arguments) => list::run(arguments, output).await,
        Command::Close(arguments) => close::run(arguments, output).await,
        Command::Watch(arguments) => watch::run(arguments, output).await,
        Command::Graph(arguments) => graph::run(arguments, output).await,
        Command::Exec(arguments) => exec::run(arguments, output).await,
        Command::Undo(arguments) => history::undo(arguments, output).await,
        Command::Redo(arguments) => history::redo(arguments, output).await,
        Command::Save(arguments) => save::save(arguments, output).await,
        Command::Load(arguments) => save::load(arguments, output).await,
        Command::Saves(arguments) => save::list(arguments, output).await,
    }
}

fn known(session: Option<Session>) -> Result<Session, Failure> {
    session.ok_or_else(|| anyhow!("the core's answer names no session").into())
}
