//! `/metrics`: the counters of this process, for Prometheus.

use axum::{
    Extension,
    response::{IntoResponse as _, Response},
};
use http::header;
use roomcast_runtime::telemetry::PrometheusHandle;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Admin, openapi::Failures};
use crate::app::AppState;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(scrape))
}

/// Scrape the metrics
///
/// Needs a token with the role admin; in development everybody is one.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Prometheus text format", body = String), Failures)
)]
async fn scrape(_: Admin, Extension(metrics): Extension<PrometheusHandle>) -> Response {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.render()).into_response()
}
