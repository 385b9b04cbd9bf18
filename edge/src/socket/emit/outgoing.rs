//! What is written to one socket, as frames of a lane and as packets of Socket.IO.

use bytes::Bytes;
use socketioxide_core::{
    Str, Value,
    packet::{Packet, PacketData},
};

use crate::{
    lane::{Namespace, text_frame, text_header},
    names::{Encoded, Spellings},
};

/// What is written.
pub(super) enum Outgoing<'a> {
    /// An event of a topic's log.
    Event(&'a str, &'a Encoded),
    /// A part of a state that several sockets are told.
    Part(&'a Str),
    /// An event of the edge's own: `["name",{…}]`.
    Told(Str),
    /// The answer to an acknowledgement: `[{…}]`.
    Answer(i64, Str),
    /// The end of the socket: its client does not come back by itself.
    Disconnect,
}

impl Outgoing<'_> {
    /// One frame.
    pub(super) fn pieces(&self, namespace: Namespace, offset: Option<&str>) -> Vec<Bytes> {
        match (self, offset.map(last_argument)) {
            (Self::Event(_, event), end) => shared(event.spellings(), namespace, end),
            (Self::Part(text), end) => large(text, namespace, end),
            (Self::Told(text), end) => {
                let text = with_end(text, end.as_deref());
                vec![text_frame(&["42", namespace.prefix(), &text])]
            }
            (Self::Answer(ack, text), _) => {
                vec![text_frame(&["43", namespace.prefix(), &ack.to_string(), text])]
            }
            (Self::Disconnect, _) => vec![text_frame(&["41", namespace.prefix()])],
        }
    }

    pub(super) fn packet(&self, namespace: Namespace, offset: Option<&str>) -> Packet {
        let end = offset.map(last_argument);
        match self {
            Self::Event(_, encoded) => {
                let text = encoded.spellings().packet(namespace);
                event(with_end(&text, end.as_deref()), namespace)
            }
            Self::Part(text) => event(with_end(text, end.as_deref()), namespace),
            Self::Told(text) => event(with_end(text, end.as_deref()), namespace),
            Self::Answer(ack, text) => Packet {
                ns: Str::from(namespace.name()),
                inner: PacketData::EventAck(Value::Str(text.clone(), None), *ack),
            },
            Self::Disconnect => {
                Packet { ns: Str::from(namespace.name()), inner: PacketData::Disconnect }
            }
        }
    }
}

/// One frame in pieces. Those with an offset still share their text.
fn shared(spellings: &Spellings, namespace: Namespace, end: Option<String>) -> Vec<Bytes> {
    match end {
        None => vec![spellings.frame(namespace).clone()],
        Some(end) => {
            let text = spellings.open_payload(namespace);
            vec![text_header(text.len() + end.len()), text, Bytes::from(end)]
        }
    }
}

/// One frame in pieces. Whoever is told a large text shares it, with an offset or without, in every
/// namespace.
fn large(text: &Str, namespace: Namespace, end: Option<String>) -> Vec<Bytes> {
    let begin = ["42", namespace.prefix()].concat();
    let mut text = Bytes::from(text.clone());
    let end = end.map(Bytes::from);
    if end.is_some() {
        text.truncate(text.len() - 1);
    }
    let length = begin.len() + text.len() + end.as_ref().map_or(0, Bytes::len);
    [text_header(length), Bytes::from(begin), text].into_iter().chain(end).collect()
}

/// The end of an event's text that has an offset. An offset needs no escapes.
fn last_argument(offset: &str) -> String {
    format!(",\"{offset}\"]")
}

fn with_end(text: &Str, end: Option<&str>) -> Str {
    match end {
        Some(end) => Str::from([&text[..text.len() - 1], end].concat()),
        None => text.clone(),
    }
}

pub(super) fn event(text: Str, namespace: Namespace) -> Packet {
    Packet {
        ns: Str::from(namespace.name()),
        inner: PacketData::Event(Value::Str(text, None), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_are_told_a_large_text_share_it() {
        let text = Str::from(format!("[\"session_state\",{{\"a\":\"{}\"}}]", "x".repeat(100_000)));
        for namespace in Namespace::ALL {
            let begin = ["42", namespace.prefix()].concat();
            for (offset, end) in [(None, ""), (Some("o"), ",\"o\"]")] {
                let pieces = Outgoing::Part(&text).pieces(namespace, offset);
                assert_eq!(pieces[2].as_ptr(), text.as_bytes().as_ptr());
                let whole = with_end(&text, offset.map(last_argument).as_deref());
                assert!(whole.ends_with(end));
                assert_eq!(pieces.concat(), text_frame(&[&begin, &whole]));
            }
            let Packet { inner: PacketData::Event(Value::Str(shared, None), None), .. } =
                Outgoing::Part(&text).packet(namespace, None)
            else {
                panic!("an event")
            };
            assert_eq!(shared.as_ptr(), text.as_ptr());
        }
    }
}
