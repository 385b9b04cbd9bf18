//! `/metrics`: the counters of this process, for operators.

use axum::{Extension, response::Response};
use roomcast_runtime::telemetry::PrometheusHandle;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Observer, openapi::Failures};
use crate::{metrics_page, state::AppState};

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
    metrics_page::page(&metrics)
}
