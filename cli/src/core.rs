//! `roomcast core`: the gRPC core, as `roomcast-core` is.

use anyhow::Context as _;
use roomcast_runtime::telemetry::TelemetryConfig;
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::serving;

/// Serve a core: jobs, sessions and broadcast over gRPC
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast core --listen 0.0.0.0:50051 --data-dir /var/lib/roomcast"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    core: roomcast_core::Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let _telemetry = serving::telemetry(&arguments.telemetry)?;
    let address = arguments.core.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    roomcast_core::serve(arguments.core, listener, serving::until_signal()).await?;
    Ok(Exit::OK)
}
