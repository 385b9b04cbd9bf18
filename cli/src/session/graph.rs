use roomcast_proto::v1::GetGraphRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::GraphView;

const EXAMPLES: &str = "\
Examples:
  roomcast session graph 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e
  roomcast session graph 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --save draft --version 2 -o json";

/// Show a session's graph, or a save of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Of which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// Which of its graphs
    #[arg(long, default_value = "main", value_name = "NAME")]
    graph: String,
    /// A save instead of the graph as it stands
    #[arg(long, default_value = "", value_name = "NAME")]
    save: String,
    /// The save's version [default: the newest]
    #[arg(long, default_value_t = 0, hide_default_value = true, requires = "save")]
    version: u64,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let Arguments { session_id, graph, save, version, .. } = arguments;
    let request = GetGraphRequest { session_id, graph, save, version };
    let answer = core.sessions().get_graph(call(request)).await?.into_inner();
    output.show(&GraphView::of(&answer)?)?;
    Ok(Exit::OK)
}
