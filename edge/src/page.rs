//! Pages that the edge writes itself, for who has no console; and Socket.IO's own browser client, where pages
//! of that world look for it.

use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, header};
use roomcast_proto::registry::Code;

use crate::{console, rest::Problem};

const STYLE: &str = include_str!("page/page.css");

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Nothing but our own files, and no script at all.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files that stand beside the API, not in it.
pub(crate) fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/page.css", get(|| async { file(CSS, STYLE) }))
        .route("/socket.io/socket.io.js", get(socket_io_client))
        .route("/socket.io/socket.io.min.js", get(socket_io_client))
}

/// A page of ours.
pub(crate) fn html(text: String) -> Response {
    let mut response = Html(text).into_response();
    let headers = response.headers_mut();
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

async fn socket_io_client() -> Result<Response, Problem> {
    console::socket_io_client().map(|source| file(JAVASCRIPT, source)).ok_or_else(|| {
        tracing::warn!("asked for Socket.IO's browser client, which this binary was built without");
        Problem::new(
            Code::RouteNotFound,
            "this binary was built without Socket.IO's browser client: run `make console` and build again",
        )
    })
}

fn file(media_type: &'static str, content: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        // Asked for again each time: an edge of another version may answer.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}
