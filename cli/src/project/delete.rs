use roomcast_proto::v1::DeleteProjectRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;

/// Erase a project, with its sessions, their graphs, saves and logs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast project delete 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = DeleteProjectRequest { project_id: arguments.project_id };
    core.sessions().delete_project(call(request)).await?;
    Ok(Exit::OK)
}
