//! Every request belongs to a trace: its own `traceparent` or a new one, passed on to the core and into
//! the events it causes, and told in the answer.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use roomcast_runtime::trace::{TRACEPARENT, TraceContext};
use tracing::Instrument as _;

use crate::problem::Problem;

const HEADER: HeaderName = HeaderName::from_static(TRACEPARENT);

/// Runs a request inside its trace, counts it, and puts the trace id into its problem.
pub(super) async fn carry(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let trace = TraceContext::from_headers(request.headers()).child();
    let method = request.method().clone();
    // The route and not the path: paths hold ids, which are many and nobody's business.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", %method, route, trace_id = trace.trace_id_hex());
    trace.set_parent(&span);
    request.extensions_mut().insert(trace);

    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        span.in_scope(|| log(&problem, response.status()));
        *response.body_mut() = problem.body(&trace.trace_id_hex());
        // It counted the body without the trace id.
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(&trace.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    metrics::histogram!(
        "roomcast_edge_request_seconds",
        "method" => word(&method), "route" => route, "status" => response.status().as_u16().to_string()
    )
    .record(began.elapsed());
    response
}

/// A method as it is counted. Strangers may write any word there, and each would be a series for ever.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A caller's mistake is the caller's to read; a fault of ours is for the operator.
fn log(problem: &Problem, status: StatusCode) {
    let code = problem.code().as_str();
    if status.is_server_error() {
        tracing::warn!(code, detail = problem.detail(), "a request failed");
    } else {
        tracing::debug!(code, "a request was refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_strangers_own_are_counted_as_one() {
        assert_eq!(word(&Method::DELETE), "DELETE");
        for stranger in ["BREW", "get", "PATCH"] {
            assert_eq!(word(&stranger.parse().unwrap()), "other");
        }
    }
}
