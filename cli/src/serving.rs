//! What the server commands share.

use anyhow::Context as _;
use roomcast_runtime::telemetry::{self, LogFormat, Telemetry, TelemetryConfig};
use roomcast_runtime::{settings, shutdown};
use tokio_util::sync::CancellationToken;

/// Logs, metrics and traces of a server.
pub(crate) fn telemetry(config: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    telemetry::metrics();
    let telemetry = telemetry::init(config).context("telemetry cannot be set up");
    telemetry.map_err(settings::unusable)
}

/// Logs of a command that a person waits for: what went wrong.
pub(crate) fn warnings() -> anyhow::Result<Telemetry> {
    telemetry::init(&TelemetryConfig {
        log: std::env::var("ROOMCAST_LOG").unwrap_or_else(|_| "warn".to_owned()),
        log_format: LogFormat::Pretty,
        otlp_endpoint: None,
        service_name: "roomcast".to_owned(),
    })
}

/// Cancelled at the first SIGTERM or SIGINT.
pub(crate) fn until_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        shutdown::signal().await;
        stop.cancel();
    });
    token
}
