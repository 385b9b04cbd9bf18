//! `roomcast doctor`: what is wrong, and the mend.

mod edge;
mod folder;
mod health;
mod report;
mod token;
mod variable;

use std::path::PathBuf;

use self::report::{Finding, Level};
use crate::connection::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  roomcast doctor
  roomcast doctor --data-dir /var/lib/roomcast -o json";

/// Check the core, the edge, the clock, the token, the variables and the data folder
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// URL of the edge
    #[arg(
        long,
        env = "ROOMCAST_EDGE",
        default_value = "http://127.0.0.1:8000",
        value_name = "URL"
    )]
    edge: String,
    /// A core's data folder to look at
    #[arg(long, env = "ROOMCAST_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// `command` is the root of all commands.
pub(crate) async fn run(
    arguments: Arguments,
    command: &clap::Command,
    output: Output,
) -> Result<Exit, Failure> {
    let mut has_failed = false;
    let mut show = |finding: &Finding| {
        has_failed |= finding.level == Level::Fail;
        output.show(finding)
    };
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for finding in variable::check(command, &variables.collect()) {
        show(&finding)?;
    }
    match arguments.connection.open().await {
        Ok(core) => {
            for finding in health::check(&core, arguments.connection.first_url()).await {
                show(&finding)?;
            }
            for finding in token::check(&core, &arguments.connection).await {
                show(&finding)?;
            }
        }
        // It says its mend itself.
        Err(failure) => show(&Finding { mend: None, ..Finding::fail("core", failure, "") })?,
    }
    show(&edge::check(&arguments.edge).await)?;
    if let Some(data_dir) = arguments.data_dir {
        let looking = tokio::task::spawn_blocking(move || folder::check(&data_dir)).await;
        for finding in looking.map_err(anyhow::Error::from)? {
            show(&finding)?;
        }
    }
    Ok(if has_failed { Exit::FAILED } else { Exit::OK })
}
