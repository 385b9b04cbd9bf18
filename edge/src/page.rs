//! Pages that the edge writes itself, for who has no console.

use axum::{
    Router,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, header};

const STYLE: &str = include_str!("page/page.css");

const CSS: &str = "text/css; charset=utf-8";

/// Nothing but our own files, and no script at all.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the pages load. It stands beside the API, not in it.
pub(crate) fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/page.css", get(|| async { file(CSS, STYLE) }))
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

/// A file of this binary's version.
pub(crate) fn file(media_type: &'static str, content: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        // Asked for again each time: an edge of another version may answer.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, content).into_response()
}
