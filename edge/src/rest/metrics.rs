//! `/metrics`: the counters of this process, for Prometheus, among the routes or on a listener of their
//! own.

use axum::{
    Extension, Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::header;
use roomcast_runtime::telemetry::{self, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Observer, openapi::Failures};
use crate::app::AppState;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(scrape))
}

/// Scrape the metrics
///
/// Needs a token with the role admin or auditor; in development everybody is one.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text format", body = String), Failures)
)]
async fn scrape(_: Observer, Extension(metrics): Extension<PrometheusHandle>) -> Response {
    page(&metrics)
}

/// Serves them to whoever reaches this listener, until `stop`.
pub(crate) async fn serve(listener: TcpListener, stop: CancellationToken) {
    let metrics = telemetry::metrics();
    let routes = Router::new().route("/metrics", get(move || async move { page(&metrics) }));
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the metrics page ended");
    }
}

fn page(metrics: &PrometheusHandle) -> Response {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.render()).into_response()
}
