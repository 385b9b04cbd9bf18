//! The command line of Roomcast.
//!
//! Servers: [`dev`] (all in one process), [`core`], [`edge`], [`agent`]; [`backup`] and restore of their data.
//! Clients of a core over gRPC: [`job`], [`project`], [`session`], [`topic`], [`run`] (any command as
//! a job), [`doctor`], [`health`]. Alone: [`token`], [`errors`], [`reference`] (the pages of docs/reference).
//!
//! A command takes its arguments and an [`output::Output`], and answers an [`exit::Exit`] or a
//! [`failure::Failure`]; nothing but [`output`] writes to the terminal.

mod agent;
mod backup;
mod connection;
mod core;
mod dev;
mod doctor;
mod edge;
mod errors;
mod exit;
mod failure;
mod follow;
mod frame;
mod health;
mod job;
mod keyring;
mod label;
mod output;
mod paging;
mod payload;
mod project;
mod reference;
mod run;
mod serving;
mod session;
mod span;
mod token;
mod topic;
mod view;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use roomcast_runtime::settings;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Format, Output};

const EXAMPLES: &str = "\
Examples:
  roomcast dev
  roomcast run -- sh -c 'for i in $(seq 1 50); do echo \"step $i/50\"; sleep 0.1; done'
  roomcast job list -o json

Every setting: flag > ROOMCAST_… variable > TOML file (--config) > default.";

/// Live jobs and rooms for browsers: a durable core, an edge, and their tools
#[derive(Debug, Parser)]
#[command(name = "roomcast", version, after_help = help())]
struct Cli {
    /// How to write results
    #[arg(
        short,
        long,
        global = true,
        env = "ROOMCAST_OUTPUT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Arguments),
    Core(core::Arguments),
    Edge(edge::Arguments),
    Agent(agent::Arguments),
    Run(run::Arguments),
    /// Create, look at, follow, cancel and retry jobs
    #[command(subcommand)]
    Job(job::Command),
    /// Create, list and delete projects, and say who may work in them
    #[command(subcommand)]
    Project(project::Command),
    /// Open sessions, watch them, change their graphs
    #[command(subcommand)]
    Session(session::Command),
    /// Publish to topics, read and follow them
    #[command(subcommand)]
    Topic(topic::Command),
    /// Mint tokens
    #[command(subcommand)]
    Token(token::Command),
    Doctor(doctor::Arguments),
    #[command(subcommand)]
    Health(health::Command),
    Backup(backup::BackupArguments),
    Restore(backup::RestoreArguments),
    Errors(errors::Arguments),
    Reference(reference::Arguments),
}

fn main() -> ExitCode {
    roomcast_agent::guard::stand_if_asked();
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    let cli: Cli = settings::parse();
    let output = Output::new(cli.output);
    let _warnings = cli.command.is_client().then(serving::warnings);
    let exit = execute(cli.command, output).await.unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit()
    });
    exit.into()
}

impl Command {
    /// Whether a person waits for it; servers set up logs of their own.
    fn is_client(&self) -> bool {
        match self {
            Command::Dev(_) | Command::Core(_) | Command::Edge(_) | Command::Agent(_) => false,
            Command::Run(_)
            | Command::Job(_)
            | Command::Project(_)
            | Command::Session(_)
            | Command::Topic(_)
            | Command::Token(_)
            | Command::Doctor(_)
            | Command::Health(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Errors(_)
            | Command::Reference(_) => true,
        }
    }
}

async fn execute(asked: Command, output: Output) -> Result<Exit, Failure> {
    match asked {
        Command::Dev(arguments) => dev::run(arguments, output).await,
        Command::Core(arguments) => core::run(arguments).await,
        Command::Edge(arguments) => edge::run(arguments).await,
        Command::Agent(arguments) => agent::run(arguments).await,
        Command::Run(arguments) => run::run(arguments, output).await,
        Command::Job(command) => job::run(command, output).await,
        Command::Project(command) => project::run(command, output).await,
        Command::Session(command) => session::run(command, output).await,
        Command::Topic(command) => topic::run(command, output).await,
        Command::Token(command) => token::run(command, output),
        Command::Doctor(arguments) => doctor::run(arguments, &command(), output).await,
        Command::Health(command) => health::run(command, output).await,
        Command::Backup(arguments) => backup::backup(arguments, output).await,
        Command::Restore(arguments) => backup::restore(arguments, output).await,
        Command::Errors(errors::Arguments {}) => errors::run(output),
        Command::Reference(arguments) => reference::run(&arguments, command(), output),
    }
}

/// All that can be said to it.
fn command() -> clap::Command {
    settings::command::<Cli>()
}

fn help() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &clap::Command) {
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{} --help has no example", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
