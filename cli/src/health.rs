//! `roomcast health`: whether one process takes traffic, as an exit code. For what starts and watches
//! processes, also where there is no shell and no `curl`.

use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::connection::{Connection, call, root_cause};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Whoever watches asks again in seconds.
const TIMEOUT: Duration = Duration::from_secs(3);

const CORE_EXAMPLES: &str = "Example:\n  roomcast health core --core http://127.0.0.1:50051";
const EDGE_EXAMPLES: &str = "Example:\n  roomcast health edge --edge http://127.0.0.1:8000";

/// Whether one process takes traffic: the exit code is 0 if it does
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Whether a core serves: what it says by grpc.health.v1
    #[command(after_help = CORE_EXAMPLES)]
    Core(Connection),
    /// Whether an edge is ready: what it answers at /readyz
    #[command(after_help = EDGE_EXAMPLES)]
    Edge(EdgeArguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct EdgeArguments {
    /// URL of the edge
    #[arg(
        long,
        env = "ROOMCAST_EDGE",
        default_value = "http://127.0.0.1:8000",
        value_name = "URL"
    )]
    edge: String,
}

pub(crate) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    let asked = async {
        match &command {
            Command::Core(connection) => core(connection).await,
            Command::Edge(arguments) => edge(&arguments.edge).await,
        }
    };
    let asked = tokio::time::timeout(TIMEOUT, asked).await;
    asked.unwrap_or_else(|_| Err(Failure::Unavailable("it does not answer".to_owned())))?;
    output.note("it takes traffic");
    Ok(Exit::OK)
}

async fn core(connection: &Connection) -> Result<(), Failure> {
    let channel = connection.open().await?.channel();
    let request = HealthCheckRequest { service: String::new() };
    match HealthClient::new(channel).check(call(request)).await {
        Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
        Ok(_) => Err(Failure::Unavailable(
            "the core takes no commits: it drains, or its store cannot be written".to_owned(),
        )),
        Err(status) => Err(Failure::Unavailable(format!("no answer: {:?}", status.code()))),
    }
}

async fn edge(url: &str) -> Result<(), Failure> {
    let ready = format!("{}/readyz", url.trim_end_matches('/'));
    match reqwest::get(&ready).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let status = answer.status();
            Err(Failure::Unavailable(format!("the edge is not ready: {ready} answers {status}")))
        }
        Err(error) => {
            let why = root_cause(&error);
            Err(Failure::Unavailable(format!("no edge answers at {url} ({why})")))
        }
    }
}
