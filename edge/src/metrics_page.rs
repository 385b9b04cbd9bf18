//! The counters of this process as text, for Prometheus: among the routes, and on a listener of their own.

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::header;
use roomcast_runtime::{
    certificate,
    telemetry::{self, PrometheusHandle},
};
use tokio::net::TcpListener;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

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

/// What has to be there before it happens: a counter whose growth wakes somebody has not grown where it is
/// first seen at 1.
pub(crate) fn begin(config: &Config) {
    metrics::counter!("roomcast_edge_resets_total").increment(0);
    metrics::counter!("roomcast_edge_tls_reloads_total", "outcome" => "failed").increment(0);
    let pem = config.core_cert.as_ref().and_then(|path| std::fs::read(path).ok());
    let shown = pem.and_then(|pem| CertificateDer::from_pem_slice(&pem).ok());
    certificate_ends("shown", shown.and_then(|shown| certificate::end(&shown)));
}

/// The certificate that is `served` to browsers, or `shown` to cores, is over then.
pub(crate) fn certificate_ends(which: &'static str, end: Option<f64>) {
    if let Some(end) = end {
        metrics::gauge!("roomcast_certificate_end_seconds", "certificate" => which).set(end);
    }
}

/// The page itself.
pub(crate) fn page(metrics: &PrometheusHandle) -> Response {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], metrics.render()).into_response()
}
