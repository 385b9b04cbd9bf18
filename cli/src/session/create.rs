use roomcast_proto::v1::CreateSessionRequest;
use uuid::Uuid;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::SessionLine;

/// Open a session in a project
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast session create 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --name draft -o json"
)]
pub(crate) struct Arguments {
    /// In which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    /// For people
    #[arg(long, default_value = "", value_name = "NAME")]
    name: String,
    /// The same key gives the same session for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = CreateSessionRequest {
        project_id: arguments.project_id,
        name: arguments.name,
        // Should a proxy repeat the call, there is still one session.
        idempotency_key: arguments.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string()),
    };
    let session = known(core.sessions().create_session(call(request)).await?.into_inner().session)?;
    output.show(&SessionLine::of(&session))?;
    Ok(Exit::OK)
}
