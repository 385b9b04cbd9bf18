use roomcast_proto::v1::GetProjectRequest;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::ProjectLine;

/// Show a project
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast project get 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = GetProjectRequest { project_id: arguments.project_id };
    let project = known(core.sessions().get_project(call(request)).await?.into_inner().project)?;
    output.show(&ProjectLine::of(&project))?;
    Ok(Exit::OK)
}
