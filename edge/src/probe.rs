//! What comes from strangers, as functions of bytes: `fuzz/` drives them, and a test replays the corpus
//! through them. Each holds the outcome to what must be so for any input; that it returns at all is
//! the first of it.

use std::net::{IpAddr, Ipv4Addr};

use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use roomcast_proto::v1::{Event, Payload, event};
use serde_json::value::RawValue;
use socketioxide_core::Str;

use crate::{
    lane,
    listener::{Frames, TrustedProxies, proxy},
    names::Encoded,
    socket,
};

/// Takes the bytes of a stranger.
pub type WayIn = fn(&[u8]);

/// Every way in: the name of its fuzz target and of the folder of its corpus, and what takes its bytes.
pub const WAYS_IN: [(&str, WayIn); 8] = [
    ("command", command),
    ("content", content),
    ("cookie", socket::probe_cookie),
    ("forwarded", forwarded),
    ("frames", frames),
    ("proxy", proxy_header),
    ("recovery", recovery),
    ("walker", walker),
];

/// Hands bytes to the way in of this name, if there is one.
pub fn run(name: &str, bytes: &[u8]) {
    for (_, way_in) in WAYS_IN.iter().filter(|(other, _)| *other == name) {
        way_in(bytes);
    }
}

/// A message of a socket's: `["name",{…}]`.
fn command(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        socket::probe_command(Str::from(text.to_owned()));
    }
}

/// Published content, its media type in the first line: whatever a core lets through becomes one message of
/// a socket that ends with the fields of the envelope. Only the media type that the core checks is
/// taken for JSON.
fn content(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(content_type) = std::str::from_utf8(&bytes[..end]) else { return };
    let data = bytes[end + 1..].to_vec().into();
    let payload = Payload { content_type: content_type.to_owned(), data };
    let event = Event {
        topic: "room:probe".to_owned(),
        r#type: "tick".to_owned(),
        cursor: "cursor".to_owned(),
        body: Some(event::Body::Payload(payload)),
        ..Event::default()
    };
    let encoded = Encoded::new(&event);
    let payload = encoded.payload();
    assert!(serde_json::from_str::<&RawValue>(payload).is_ok(), "a payload is no JSON: {payload}");
    assert!(payload.starts_with('{'), "a payload is an object");
    let envelope =
        r#""topic":"room:probe","cursor":"cursor","event_id":"","trace_id":"","timestamp":"#;
    assert!(payload.contains(envelope), "the envelope is in it");
    if !matches!(content_type, "" | "application/json") {
        assert!(payload.starts_with(r#"{"content_type":"#), "not checked, and taken for JSON");
    }
}

/// What a client shows to recover its last connection.
fn recovery(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        socket::probe_recovery(text);
    }
}

/// A header of the PROXY protocol, and what follows it.
fn proxy_header(bytes: &[u8]) {
    let mut stream = bytes;
    // All bytes are there: it never waits.
    if let Some(Ok(_)) = proxy::read(&mut stream).now_or_never() {
        let read = bytes.len() - stream.len();
        assert!(proxy::source(&bytes[..read]).is_ok(), "what was read is one whole header");
    }
}

/// `X-Forwarded-For` of a trusted proxy.
fn forwarded(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), value)]);
    let proxy = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let stranger = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
    let proxies = TrustedProxies::new(&[proxy.into()]);
    // That it ends is all there is to say of the first.
    let _ = proxies.client(proxy, &headers);
    assert_eq!(proxies.client(stranger, &headers).0, stranger, "a stranger is believed");
}

/// What a WebSocket client writes: counted the same however it is cut. The first byte says where.
fn frames(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (mut whole, mut pieces) = (Frames::default(), Frames::default());
    let counted = whole.feed(bytes);
    let cut = usize::from(*cut).max(1);
    let in_pieces: u32 = bytes.chunks(cut).map(|piece| pieces.feed(piece)).sum();
    assert_eq!(counted, in_pieces);
    assert_eq!(whole.is_between(), pieces.is_between());
}

/// What a WebSocket server writes: the same messages however it is cut. The first byte says where.
fn walker(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let cut = usize::from(*cut).max(1);
    let whole = lane::message_lengths(std::iter::once(bytes));
    let pieces = lane::message_lengths(bytes.chunks(cut));
    assert_eq!(whole, pieces);
    if let Ok(lengths) = whole {
        assert!(lengths.iter().sum::<usize>() <= bytes.len(), "a message ends after the bytes");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpus_of_every_way_in_is_replayed() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, way_in) in WAYS_IN {
            let files = std::fs::read_dir(corpus.join(name)).unwrap();
            let mut replayed = 0;
            for file in files {
                way_in(&std::fs::read(file.unwrap().path()).unwrap());
                replayed += 1;
            }
            assert!(replayed > 0, "{name} has no corpus");
        }
    }
}
