//! `roomcast edge`: one edge, as `roomcast-edge` is.

use anyhow::Context as _;
use roomcast_runtime::telemetry::TelemetryConfig;
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::serving;

/// Serve browsers over Socket.IO, REST and server-sent events, in front of a core
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast edge --listen 0.0.0.0:8000 --core http://core:50051")]
pub(crate) struct Arguments {
    #[command(flatten)]
    edge: roomcast_edge::Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let _telemetry = serving::telemetry(&arguments.telemetry)?;
    let address = arguments.edge.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    roomcast_edge::serve(arguments.edge, listener, serving::until_signal()).await?;
    Ok(Exit::OK)
}
