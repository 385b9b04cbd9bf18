use roomcast_proto::v1::{RedoCommandRequest, UndoCommandRequest};
use uuid::Uuid;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::PerformedView;

/// Take back the last command of a session's graph, whoever gave it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session undo 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Undo {
    #[command(flatten)]
    step: Step,
}

/// Do the command again that was undone last
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session redo 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Redo {
    #[command(flatten)]
    step: Step,
}

#[derive(Debug, clap::Args)]
struct Step {
    /// Which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// Which of its graphs
    #[arg(long, default_value = "main", value_name = "NAME")]
    graph: String,
    /// Refuse unless the graph is at this version
    #[arg(long, value_name = "VERSION")]
    expected_version: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn undo(arguments: Undo, output: Output) -> Result<Exit, Failure> {
    let Step { session_id, graph, expected_version, connection } = arguments.step;
    // Should a proxy repeat the call, it is still done once.
    let idempotency_key = Uuid::new_v4().to_string();
    let request = UndoCommandRequest { session_id, graph, expected_version, idempotency_key };
    let core = connection.open().await?;
    let answer = core.sessions().undo_command(call(request)).await?.into_inner();
    output.show(&PerformedView::of(&answer))?;
    Ok(Exit::OK)
}

pub(super) async fn redo(arguments: Redo, output: Output) -> Result<Exit, Failure> {
    let Step { session_id, graph, expected_version, connection } = arguments.step;
    let idempotency_key = Uuid::new_v4().to_string();
    let request = RedoCommandRequest { session_id, graph, expected_version, idempotency_key };
    let core = connection.open().await?;
    let answer = core.sessions().redo_command(call(request)).await?.into_inner();
    output.show(&PerformedView::of(&answer))?;
    Ok(Exit::OK)
}
