use roomcast_proto::v1::CloseSessionRequest;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::SessionLine;

/// End a session: what is in it stays readable for 30 days
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session close 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "SESSION")]
    session_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = CloseSessionRequest { session_id: arguments.session_id };
    let session = known(core.sessions().close_session(call(request)).await?.into_inner().session)?;
    output.show(&SessionLine::of(&session))?;
    Ok(Exit::OK)
}
