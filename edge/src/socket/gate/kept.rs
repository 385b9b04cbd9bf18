//! What Engine.IO is given of a request that it keeps for as long as its session lives.
//!
//! The headers and the address of a request are pieces of the buffer that it was read into, so that
//! one that is kept whole keeps that buffer: 8 KB of each socket. Here they are copied, and only what
//! is looked at later.

use std::sync::Arc;

use axum::{body::Body, extract::Request};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use hyper::upgrade::OnUpgrade;

use super::Session;
use crate::lane::Lane;

/// Headers that Engine.IO, or a socket when it comes in, looks at.
const HEADERS: [HeaderName; 4] = [
    header::AUTHORIZATION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_KEY,
    HeaderName::from_static("traceparent"),
];

/// The same request, with nothing of it shared and nothing that nobody looks at.
pub(super) fn kept(mut request: Request, session: Option<Arc<Session>>) -> Request {
    let mut lean = Request::new(Body::empty());
    *lean.method_mut() = request.method().clone();
    *lean.version_mut() = request.version();
    *lean.uri_mut() = owned(request.uri());
    *lean.headers_mut() = headers(request.headers());
    let extensions = lean.extensions_mut();
    if let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() {
        extensions.insert(upgrade);
    }
    if let Some(lane) = request.extensions_mut().remove::<Arc<Lane>>() {
        extensions.insert(lane);
    }
    if let Some(session) = session {
        extensions.insert(session);
    }
    lean
}

fn headers(all: &HeaderMap) -> HeaderMap {
    let found = HEADERS.into_iter().filter_map(|name| {
        let value = HeaderValue::from_bytes(all.get(&name)?.as_bytes()).ok()?;
        Some((name, value))
    });
    HeaderMap::from_iter(found)
}

fn owned(uri: &Uri) -> Uri {
    // What was an address is one.
    uri.to_string().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn nothing_of_a_request_that_is_kept_is_a_piece_of_what_it_was_read_into() {
        let read = "/socket.io/?EIO=4&transport=websocket Bearer t 8 KB more";
        let read = Bytes::from(read.to_owned());
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_maybe_shared(read.slice(..37)).unwrap();
        let token = HeaderValue::from_maybe_shared(read.slice(38..46)).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, token);
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_static("not=looked-at"));
        request.extensions_mut().insert("nor this");

        let lean = kept(request, None);

        assert!(read.is_unique(), "what it was read into is free");
        assert_eq!(lean.uri(), "/socket.io/?EIO=4&transport=websocket");
        assert_eq!(lean.headers().len(), 1);
        assert_eq!(lean.headers()[header::AUTHORIZATION], "Bearer t");
        assert!(lean.extensions().is_empty());
    }
}
