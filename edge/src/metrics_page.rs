//! The counters of this process as text, for Prometheus: among the routes, and on a listener of their own.

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::header;
use roomcast_runtime::telemetry::{self, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves them to whoever reaches this listener, until `stop`.
pub(crate) async fn serve(listener: TcpListener, stop: CancellationToken) {
    let metrics = telemetry::metrics();
    let routes = Router::new().route("/metrics", get(move || async move { page(&metrics) }));
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the metrics page ended");
    }
}

/// The page itself.
pub(crate) fn page(metrics: &PrometheusHandle) -> Response {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.render()).into_response()
}
