//! Which pages may connect. A browser sends cookies and opens WebSockets for any page; `Origin` is
//! what tells them apart, and CORS alone does not cover WebSockets.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{config::Config, problem::Problem};

/// Where front ends are served in development.
const DEV_PORTS: [u16; 4] = [3000, 3001, 4173, 5173];
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The origins that may connect. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Origins {
    allowed: Arc<[String]>,
    /// In development the edge answers to local names only: a page of a foreign name that was made to
    /// resolve to this machine would otherwise be of the same origin.
    is_host_checked: bool,
}

impl Origins {
    /// The origins of the configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut allowed: Vec<String> = config
            .allowed_origins
            .iter()
            .chain(&config.frontend_url)
            .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        if config.dev {
            for name in &LOOPBACK_NAMES[..2] {
                allowed.extend(DEV_PORTS.iter().map(|port| format!("http://{name}:{port}")));
            }
        }
        let is_host_checked = config.dev && config.listen.ip().is_loopback();
        Self { allowed: allowed.into(), is_host_checked }
    }

    /// Whether a request with these headers may come in.
    #[must_use]
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        if self.is_host_checked && !host(headers).is_some_and(is_loopback) {
            return false;
        }
        headers.get(header::ORIGIN).is_none_or(|origin| self.allows(origin, headers))
    }

    fn allows(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        self.allowed.contains(&origin) || is_same_origin(&origin, headers)
    }

    /// The answers to browsers' CORS questions, by the same rule.
    pub fn cors(&self) -> CorsLayer {
        let origins = self.clone();
        CorsLayer::new()
            .allow_origin(AllowOrigin::predicate(move |origin, request| {
                origins.allows(origin, &request.headers)
            }))
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("idempotency-key"),
                HeaderName::from_static("last-event-id"),
                HeaderName::from_static("traceparent"),
            ])
            .expose_headers([
                header::LOCATION,
                header::RETRY_AFTER,
                HeaderName::from_static("ratelimit"),
                HeaderName::from_static("ratelimit-policy"),
                HeaderName::from_static("traceparent"),
                HeaderName::from_static("x-attempt"),
                HeaderName::from_static("x-next-offset"),
                HeaderName::from_static("x-offset"),
                HeaderName::from_static("x-size"),
            ])
    }
}

/// Refuses foreign pages before anything else looks at the request.
pub(crate) async fn guard(
    State(origins): State<Origins>,
    request: Request,
    next: Next,
) -> Response {
    if origins.allow(request.headers()) {
        return next.run(request).await;
    }
    metrics::counter!("roomcast_edge_refusals_total", "code" => Code::OriginNotAllowed.as_str())
        .increment(1);
    Problem::new(
        Code::OriginNotAllowed,
        "this page's origin, or the host it asked for, is not allowed",
    )
    .traced(&TraceContext::from_headers(request.headers()).child())
}

fn is_same_origin(origin: &str, headers: &HeaderMap) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    match (origin.authority(), host(headers)) {
        (Some(authority), Some(host)) => authority.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    LOOPBACK_NAMES.iter().any(|loopback| name.eq_ignore_ascii_case(loopback))
}
