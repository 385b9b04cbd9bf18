use roomcast_proto::v1::CreateProjectRequest;
use uuid::Uuid;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::ProjectLine;

/// Create a project, owned by you
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast project create kitchen -o json | jq -r .id")]
pub(crate) struct Arguments {
    /// For people
    #[arg(value_name = "NAME")]
    name: String,
    /// The user it is for, if a service creates it
    #[arg(long, default_value = "", value_name = "USER")]
    owner: String,
    /// The tenant it lives in, if a service creates it
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    /// The same key gives the same project for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = CreateProjectRequest {
        name: arguments.name,
        // Should a proxy repeat the call, there is still one project.
        idempotency_key: arguments.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string()),
        owner: arguments.owner,
        tenant: arguments.tenant,
    };
    let project = known(core.sessions().create_project(call(request)).await?.into_inner().project)?;
    output.show(&ProjectLine::of(&project))?;
    Ok(Exit::OK)
}
