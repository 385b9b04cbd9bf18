//! `roomcast project`: projects, and who may work in them.

mod create;
mod delete;
mod get;
mod list;
mod member;

use anyhow::anyhow;
use roomcast_proto::v1::Project;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Create(create::Arguments),
    Get(get::Arguments),
    List(list::Arguments),
    Delete(delete::Arguments),
    /// Say who may work in a project
    #[command(subcommand)]
    Member(member::Command),
}

pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments, output).await,
        Command::Get(arguments) => get::run(arguments, output).await,
        Command::List(arguments) => list::run(arguments, output).await,
        Command::Delete(arguments) => delete::run(arguments).await,
        Command::Member(command) => member::run(command, output).await,
    }
}

fn known(project: Option<Project>) -> Result<Project, Failure> {
    project.ok_or_else(|| anyhow!("the core's answer names no project").into())
}
