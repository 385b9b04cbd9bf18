//! A small page: the caller's jobs, live. Plain files, embedded; nothing from anywhere else.

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, header};
use roomcast_proto::registry::Code;

use crate::rest::Problem;

const INDEX: &str = include_str!("page/index.html");

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page: name, media type, text.
const FILES: [(&str, &str, &str); 6] = [
    ("page.css", CSS, include_str!("page/page.css")),
    ("page.js", JAVASCRIPT, include_str!("page/page.js")),
    ("credential.js", JAVASCRIPT, include_str!("page/credential.js")),
    ("list.js", JAVASCRIPT, include_str!("page/list.js")),
    ("job.js", JAVASCRIPT, include_str!("page/job.js")),
    ("output.js", JAVASCRIPT, include_str!("page/output.js")),
];

/// Socket.IO's own browser client, if it was there at build time.
const SOCKET_IO_CLIENT: Option<&str> = include!(concat!(env!("OUT_DIR"), "/socket_io_client.rs"));

/// Nothing but our own files, and no script inside of HTML: what a job says can never run.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files that the page asks for. They stand beside the API, not in it.
pub(crate) fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/page/", get(index))
        .route("/page/{file}", get(part))
        .route("/socket.io/socket.io.js", get(socket_io_client))
        .route("/socket.io/socket.io.min.js", get(socket_io_client))
}

/// The page itself.
async fn index() -> Response {
    html(INDEX.to_owned())
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

async fn part(Path(name): Path<String>) -> Result<Response, Problem> {
    FILES
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, media_type, text)| file(media_type, text))
        .ok_or_else(|| Problem::new(Code::RouteNotFound, "the page has no such file"))
}

async fn socket_io_client() -> Result<Response, Problem> {
    SOCKET_IO_CLIENT.map(|source| file(JAVASCRIPT, source)).ok_or_else(|| {
        tracing::warn!("asked for Socket.IO's browser client, which this binary was built without");
        Problem::new(
            Code::RouteNotFound,
            "this binary was built without Socket.IO's browser client: run `make setup` and build again",
        )
    })
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        // Asked for again each time: an edge of another version may answer.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
