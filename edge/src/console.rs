//! The web console under `/console/`: what `npm run build` leaves in `console/dist`, inside of a release's
//! binary; a debug build reads the folder, so that the pages can change without it. And Socket.IO's own browser
//! client, which lies there too, where pages of that world look for it.

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use roomcast_proto::registry::Code;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{page, problem::Problem};

/// Where the console begins.
pub(crate) const PATH: &str = "/console/";

/// Socket.IO's own browser client, which the build lays beside the console.
const CLIENT: &str = "socket.io.min.js";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// Its one page: every path of the console that is no file is shown by it.
const INDEX: &str = "index.html";
/// Files whose names change with their content.
const HASHED: &str = "assets/";
/// A year: the longest that caches are asked to keep anything.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Asked for again each time: an edge of another version may answer.
const ASK_AGAIN: &str = "no-cache";
/// Compressed by the build, beside the file itself. The first that a browser takes is sent.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Nothing but our own files, and no script or style inside of HTML: what a payload says can never run.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What stands there in a checkout whose console was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Roomcast</title>\
     <meta name=viewport content='width=device-width, initial-scale=1'>\
     <link rel=stylesheet href=/page.css><body><main><h1>The console was not built</h1>\
     <p>This binary was made without it. Build it with <code>make console</code>, then build again.</p>\
     <p>Meanwhile there is <a href=/docs>the API</a>.</p></main></html>";

#[derive(RustEmbed)]
#[folder = "../console/dist"]
#[allow_missing = true]
struct Dist;

/// The console's routes. They stand beside the API, not in it.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/console", get(|| async { Redirect::permanent(PATH) }))
        .route(PATH, get(|headers: HeaderMap| async move { index(&headers) }))
        .route("/console/{*path}", get(part))
        .route("/socket.io/socket.io.js", get(socket_io_client))
        .route("/socket.io/socket.io.min.js", get(socket_io_client))
}

async fn socket_io_client() -> Result<Response, Problem> {
    Dist::get(CLIENT).map(|client| page::file(JAVASCRIPT, client.data)).ok_or_else(|| {
        tracing::warn!("asked for Socket.IO's browser client, which this binary was built without");
        Problem::new(
            Code::RouteNotFound,
            "this binary was built without Socket.IO's browser client: run `make console` and build again",
        )
    })
}

async fn part(Path(path): Path<String>, headers: HeaderMap) -> Response {
    if !is_compressed(&path)
        && let Some(file) = Dist::get(&path)
    {
        return answer(&path, file, &headers);
    }
    // A page of another version asks for what is no more: it must not take the index for a script.
    if path.starts_with(HASHED) {
        return Problem::new(Code::RouteNotFound, "the console has no such file").into_response();
    }
    index(&headers)
}

fn index(headers: &HeaderMap) -> Response {
    match Dist::get(INDEX) {
        Some(index) => answer(INDEX, index, headers),
        None => page::html(NOT_BUILT.to_owned()),
    }
}

fn is_compressed(path: &str) -> bool {
    ENCODINGS.iter().any(|(_, suffix)| path.ends_with(suffix))
}

fn answer(path: &str, plain: EmbeddedFile, asked: &HeaderMap) -> Response {
    let media_type = plain.metadata.mimetype().to_owned();
    let (encoding, file) = compressed(path, asked)
        .map_or((None, plain), |(encoding, file)| (Some(HeaderValue::from_static(encoding)), file));
    let tag = etag(&file);
    let is_known = asked.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, &tag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => file.data.into_response(),
    };
    let caching = if path.starts_with(HASHED) { FOR_EVER } else { ASK_AGAIN };
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let media_type = match media_type.starts_with("text/") {
        true => format!("{media_type}; charset=utf-8"),
        false => media_type,
    };
    let own = [(header::ETAG, tag), (header::CONTENT_TYPE, media_type)];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?)));
    let fixed = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let encoding = encoding.map(|encoding| (header::CONTENT_ENCODING, encoding));
    // One by one: `extend` would add a second type to that of the bytes, and browsers take the first.
    for (name, value) in own.chain(fixed).chain(encoding) {
        headers.insert(name, value);
    }
    response
}

/// The file as the build has compressed it, in a way that the browser takes.
fn compressed(path: &str, asked: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    ENCODINGS.iter().find_map(|(encoding, suffix)| {
        let file = takes(asked, encoding).then(|| Dist::get(&format!("{path}{suffix}")))?;
        Some((*encoding, file?))
    })
}

/// Whether an encoding is named, and not refused with `q=0`.
fn takes(asked: &HeaderMap, encoding: &str) -> bool {
    let named = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|one| one.to_str().ok());
    named.flat_map(|text| text.split(',')).any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        let quality = quality.trim().strip_prefix("q=").map(str::parse::<f32>);
        name.trim().eq_ignore_ascii_case(encoding) && quality != Some(Ok(0.0))
    })
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!("\"{}\"", hash[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Whether a list of tags has this one, strong or weak.
fn names(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().unwrap_or_default().split(',').any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn an_encoding_is_taken_where_it_is_named_and_not_refused() {
        let browser = asked(header::ACCEPT_ENCODING, "gzip, deflate, BR;q=0.9, zstd");
        assert!(takes(&browser, "br") && takes(&browser, "gzip"));
        let picky = asked(header::ACCEPT_ENCODING, "br;q=0, identity");
        assert!(!takes(&picky, "br") && !takes(&picky, "gzip") && !takes(&HeaderMap::new(), "br"));
    }

    #[test]
    fn a_tag_is_known_alone_in_a_list_and_weakly() {
        for known in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(names(&HeaderValue::from_static(known), "\"a\""), "{known}");
        }
        assert!(!names(&HeaderValue::from_static("\"b\""), "\"a\""));
    }
}
