use roomcast_edge::names;
use roomcast_proto::v1::ExecuteCommandRequest;
use uuid::Uuid;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::payload;
use crate::view::PerformedView;

const EXAMPLES: &str = "\
Examples:
  roomcast session exec 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e '{\"type\": \"create_node\", \"node_type\": \"item\", \"name\": \"Sink\"}'
  roomcast session exec 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e @batch.json --expected-version 7";

/// Change a session's graph
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// A command as JSON, @FILE, or - for standard input
    #[arg(value_name = "COMMAND")]
    command: String,
    /// Which of its graphs
    #[arg(long, default_value = "main", value_name = "NAME")]
    graph: String,
    /// Refuse unless the graph is at this version
    #[arg(long, value_name = "VERSION")]
    expected_version: Option<u64>,
    /// The same key gives the same answer for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let text = payload::read(&arguments.command, None)?.data;
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("no command: {error}"));
    let command: names::Command = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    let command = command.message("command").map_err(|error| wrong(&error))?;
    let core = arguments.connection.open().await?;
    let request = ExecuteCommandRequest {
        session_id: arguments.session_id,
        graph: arguments.graph,
        command: Some(command),
        expected_version: arguments.expected_version,
        // Should a proxy repeat the call, it is still done once.
        idempotency_key: arguments.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string()),
    };
    let answer = core.sessions().execute_command(call(request)).await?.into_inner();
    output.show(&PerformedView::of(&answer))?;
    Ok(Exit::OK)
}
