//! `roomcast-core`: the gRPC core as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use roomcast_core::Config;
use roomcast_runtime::telemetry::{self, TelemetryConfig};
use roomcast_runtime::{settings, shutdown};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The core of Roomcast: jobs, sessions and broadcast over gRPC
#[derive(Debug, Parser)]
#[command(
    name = "roomcast-core",
    version,
    after_help = "Example:\n  roomcast-core --listen 127.0.0.1:50051 --data-dir /var/lib/roomcast"
)]
struct Cli {
    #[command(flatten)]
    core: Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

#[tokio::main]
async fn main() -> ExitCode {
    settings::exit_code(run(settings::parse()).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let _telemetry = telemetry::init(&cli.telemetry)?;
    telemetry::metrics();
    let listener = TcpListener::bind(cli.core.listen).await?;
    let stop = CancellationToken::new();
    let guard = stop.clone();
    tokio::spawn(async move {
        shutdown::signal().await;
        guard.cancel();
    });
    roomcast_core::serve(cli.core, listener, stop).await
}
