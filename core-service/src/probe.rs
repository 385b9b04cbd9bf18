//! What comes from publishers, as functions of bytes: `fuzz/` drives them, and a test replays the corpus
//! through them. What is let in keeps what every edge relies on.

use roomcast_proto::v1;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::event::Body;
use crate::domain::limits::PAYLOAD_BYTES_MAX;
use crate::service;

/// Takes the bytes of a stranger.
pub type WayIn = fn(&[u8]);

/// Every way in: the name of its fuzz target and of the folder of its corpus, and what takes its bytes.
pub const WAYS_IN: [(&str, WayIn); 1] = [("event", event)];

/// Hands bytes to the way in of this name, if there is one.
pub fn run(name: &str, bytes: &[u8]) {
    for (_, way_in) in WAYS_IN.iter().filter(|(other, _)| *other == name) {
        way_in(bytes);
    }
}

/// An event that is published: its type, its media type and its data, each after a line feed.
fn event(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let text = |part: &[u8]| std::str::from_utf8(part).ok().map(str::to_owned);
    let (Some(kind), Some(content_type)) = (text(part()), text(part())) else { return };
    let data = part();
    let payload = v1::Payload { content_type, data: data.to_vec().into() };
    let event = v1::NewEvent { r#type: kind.clone(), payload: Some(payload) };
    let Some(taken) = service::probe_event(event) else { return };
    assert_eq!(*taken.kind, *kind);
    assert!(data.len() <= PAYLOAD_BYTES_MAX);
    let published = matches!(&taken.body, Body::Payload(payload) if payload.data == data);
    assert!(published, "the bytes are the publisher's own");
    if matches!(&taken.body, Body::Payload(payload) if payload.is_json()) {
        delivered(data);
    }
}

/// An edge puts its fields before the object's last brace, and readers have limits of their own.
fn delivered(data: &[u8]) {
    let own = std::str::from_utf8(data).ok().and_then(|text| text.trim().strip_suffix('}'));
    assert!(own.is_some(), "no object in UTF-8");
    let own = own.unwrap_or_default();
    let comma = if own.trim_end() == "{" { "" } else { "," };
    let sealed = format!(r#"{own}{comma}"cursor":""}}"#);
    assert!(serde_json::from_str::<&RawValue>(&sealed).is_ok(), "no JSON: {sealed}");
    // This reader has a limit of twice the depth that is let in, and other reasons to refuse.
    if let Err(error) = serde_json::from_str::<Value>(&sealed) {
        assert!(!error.to_string().starts_with("recursion limit"), "too deep: {sealed}");
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
