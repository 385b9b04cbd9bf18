use roomcast_proto::v1::{ListSavesRequest, LoadGraphRequest, SaveGraphRequest};
use uuid::Uuid;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::{KeptView, SaveLine};

/// Keep a session's graph under a name; every save of a name is a new version
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session save 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e draft")]
pub(crate) struct Save {
    /// Of which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// The save's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Which of its graphs
    #[arg(long, default_value = "main", value_name = "NAME")]
    graph: String,
    #[command(flatten)]
    connection: Connection,
}

/// Replace a session's graph by a save: nothing before it can be undone
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast session load 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e draft --version 2"
)]
pub(crate) struct Load {
    /// Of which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// The save's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The save's version [default: the newest]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    version: u64,
    /// Which of its graphs
    #[arg(long, default_value = "main", value_name = "NAME")]
    graph: String,
    #[command(flatten)]
    connection: Connection,
}

/// List a session's saves, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session saves 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Saves {
    /// Of which
    #[arg(value_name = "SESSION")]
    session_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn save(arguments: Save, output: Output) -> Result<Exit, Failure> {
    let Save { session_id, name, graph, connection } = arguments;
    let core = connection.open().await?;
    // Should a proxy repeat the call, there is still one new version.
    let idempotency_key = Uuid::new_v4().to_string();
    let request = SaveGraphRequest { session_id, graph, name: name.clone(), idempotency_key };
    let answer = core.sessions().save_graph(call(request)).await?.into_inner();
    output.show(&KeptView {
        name: &name,
        version: answer.version,
        graph_version: answer.graph_version,
        cursor: &answer.cursor,
    })?;
    Ok(Exit::OK)
}

pub(super) async fn load(arguments: Load, output: Output) -> Result<Exit, Failure> {
    let Load { session_id, name, version, graph, connection } = arguments;
    let core = connection.open().await?;
    let idempotency_key = Uuid::new_v4().to_string();
    let request =
        LoadGraphRequest { session_id, graph, name: name.clone(), version, idempotency_key };
    let answer = core.sessions().load_graph(call(request)).await?.into_inner();
    output.show(&KeptView {
        name: &name,
        version: answer.version,
        graph_version: answer.graph_version,
        cursor: &answer.cursor,
    })?;
    Ok(Exit::OK)
}

pub(super) async fn list(arguments: Saves, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = ListSavesRequest { session_id: arguments.session_id };
    let answer = core.sessions().list_saves(call(request)).await?.into_inner();
    output.heading(Some(SaveLine::heading()))?;
    answer.saves.iter().try_for_each(|save| output.show(&SaveLine::of(save)))?;
    Ok(Exit::OK)
}
