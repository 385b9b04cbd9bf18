//! `roomcast-agent`: one agent, until SIGTERM or SIGINT.

use std::process::ExitCode;

use clap::Parser;
use roomcast_agent::Config;
use roomcast_runtime::telemetry::{self, TelemetryConfig};
use roomcast_runtime::{settings, shutdown};
use tokio_util::sync::CancellationToken;

/// The agent of Roomcast: runs the tests of projects and asks a model, as jobs
#[derive(Debug, Parser)]
#[command(
    name = "roomcast-agent",
    version,
    after_help = "Example:\n  roomcast-agent --core http://127.0.0.1:50051 --config agent.toml"
)]
struct Cli {
    #[command(flatten)]
    agent: Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

fn main() -> ExitCode {
    roomcast_agent::guard::stand_if_asked();
    settings::exit_code(run(settings::parse()))
}

#[tokio::main]
async fn run(cli: Cli) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(&cli.telemetry)?;
    let client = cli.agent.connection.client().map_err(settings::unusable)?;
    let stop = CancellationToken::new();
    let guard = stop.clone();
    tokio::spawn(async move {
        shutdown::signal().await;
        guard.cancel();
    });
    roomcast_agent::serve(client, cli.agent.duties, stop).await
}
