//! `roomcast-edge`: one edge, until SIGTERM or SIGINT.

use std::process::ExitCode;

use clap::Parser;
use roomcast_edge::Config;
use roomcast_runtime::{
    settings, shutdown,
    telemetry::{self, TelemetryConfig},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves browsers over Socket.IO, REST and server-sent events, in front of a Roomcast core.
#[derive(Debug, Parser)]
#[command(
    name = "roomcast-edge",
    version,
    after_help = "Example:\n  roomcast-edge --listen 0.0.0.0:8000 --core http://core:50051"
)]
struct Cli {
    #[command(flatten)]
    edge: Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

#[tokio::main]
async fn main() -> ExitCode {
    settings::exit_code(run(settings::parse()).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(&cli.telemetry)?;
    let listener = TcpListener::bind(cli.edge.listen).await?;
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            shutdown::signal().await;
            stop.cancel();
        }
    });
    roomcast_edge::serve(cli.edge, listener, stop).await
}
