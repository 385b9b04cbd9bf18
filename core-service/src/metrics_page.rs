//! The core's page for operators: `/metrics` as Prometheus text, `/livez` and `/readyz` for supervisors,
//! over plain HTTP, on a listener of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bus::health::Health;
use crate::store::Store;

/// What readiness is made of.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) health: Health,
    pub(crate) drain: CancellationToken,
}

/// Serves until `stop`.
pub(crate) async fn serve(listener: TcpListener, readiness: Readiness, stop: CancellationToken) {
    let metrics = roomcast_runtime::telemetry::metrics();
    let page = Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(readiness);
    let served = axum::serve(listener, page).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::warn!(%error, "the metrics page ended");
    }
}

/// Whether calls should come here; with `?verbose`, a line for each part. A bus that is down is told and
/// keeps nobody away: delivery goes on without it.
async fn readyz(
    State(readiness): State<Readiness>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let Readiness { store, health, drain } = readiness;
    let writable = store.writable();
    let is_ready = writable.is_ok() && !drain.is_cancelled();
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut text = String::new();
    if query.is_some_and(|query| query.split('&').any(|part| part == "verbose")) {
        let written = writable.err().map_or("ok".to_owned(), |error| error.to_string());
        let drained = if drain.is_cancelled() { "draining" } else { "no" };
        let heard = health.hearing().words();
        text = format!("store: {written}\nbus: {heard}\ndraining: {drained}\n");
    }
    text.push_str(if is_ready { "ok\n" } else { "not ready\n" });
    (code, text)
}
