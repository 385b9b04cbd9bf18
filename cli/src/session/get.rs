use roomcast_proto::v1::GetSessionRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::SessionView;

/// Show a session
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session get 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "SESSION")]
    session_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = GetSessionRequest { session_id: arguments.session_id };
    let answer = core.sessions().get_session(call(request)).await?.into_inner();
    output.show(&SessionView::of(&answer)?)?;
    Ok(Exit::OK)
}
