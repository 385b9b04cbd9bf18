//! `/metrics` of the core: Prometheus text over plain HTTP, on a listener of its own.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, stop: CancellationToken) {
    let metrics = roomcast_runtime::telemetry::metrics();
    let page = Router::new().route("/metrics", get(move || async move { metrics.render() }));
    let served = axum::serve(listener, page).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the metrics page ended");
    }
}
