//! An event's text as each namespace has it, shared by all who get it.

use std::{borrow::Cow, sync::OnceLock};

use bytes::Bytes;
use socketioxide_core::Str;

use crate::lane::{Namespace, text_frame};

/// The packet type of an event, inside a message of Engine.IO.
const EVENT: &str = "42";

/// One event in all namespaces.
#[derive(Debug)]
pub(crate) struct Spellings {
    root: Spelling,
    /// What `/graph` calls the event, if something else.
    short: Option<Cow<'static, str>>,
    /// Made when the first socket of that namespace wants it: few events have readers in both.
    graph: OnceLock<Box<Spelling>>,
}

/// An event as one namespace has it.
#[derive(Debug)]
struct Spelling {
    namespace: Namespace,
    name: Cow<'static, str>,
    /// `["name",{…}]`: what a Socket.IO EVENT packet carries.
    packet: Str,
    /// Where the object begins in `packet`.
    payload_start: usize,
    /// The same as a whole WebSocket frame, made when the first socket wants it.
    frame: OnceLock<Bytes>,
}

impl Spellings {
    /// Of an event whose payload is the text of one JSON object.
    pub(super) fn new(
        name: Cow<'static, str>,
        short: Option<Cow<'static, str>>,
        payload: &str,
    ) -> Self {
        let root = Spelling::new(Namespace::Root, name, payload);
        Self { root, short, graph: OnceLock::new() }
    }

    /// The full name.
    pub(super) fn name(&self) -> &str {
        &self.root.name
    }

    /// The text of one JSON object.
    pub(crate) fn payload(&self) -> &str {
        self.root.payload()
    }

    /// The packet's text `["name",{…}]`, shared and not copied.
    pub(crate) fn packet(&self, namespace: Namespace) -> Str {
        self.of(namespace).packet.clone()
    }

    /// The packet as one WebSocket text frame, shared and not copied.
    pub(crate) fn frame(&self, namespace: Namespace) -> &Bytes {
        self.of(namespace).frame()
    }

    /// The frame's payload without the bracket at its end, for those who add an argument.
    pub(crate) fn open_payload(&self, namespace: Namespace) -> Bytes {
        let spelling = self.of(namespace);
        let frame = spelling.frame();
        let text = EVENT.len() + namespace.prefix().len() + spelling.packet.len();
        frame.slice(frame.len() - text..frame.len() - 1)
    }

    /// Bytes it takes in memory where one namespace is read, the frame included.
    pub(super) fn size(&self) -> usize {
        2 * self.root.packet.len()
    }

    fn of(&self, namespace: Namespace) -> &Spelling {
        match namespace {
            Namespace::Root => &self.root,
            Namespace::Graph => self.graph.get_or_init(|| {
                let name = self.short.clone().unwrap_or_else(|| self.root.name.clone());
                Box::new(Spelling::new(namespace, name, self.payload()))
            }),
        }
    }
}

impl Spelling {
    fn new(namespace: Namespace, name: Cow<'static, str>, payload: &str) -> Self {
        let mut packet = String::from("[");
        packet.push_str(&serde_json::Value::from(name.as_ref()).to_string());
        packet.push(',');
        let payload_start = packet.len();
        packet.push_str(payload);
        packet.push(']');
        Self { namespace, name, packet: Str::from(packet), payload_start, frame: OnceLock::new() }
    }

    fn payload(&self) -> &str {
        &self.packet[self.payload_start..self.packet.len() - 1]
    }

    fn frame(&self) -> &Bytes {
        self.frame.get_or_init(|| text_frame(&[EVENT, self.namespace.prefix(), &self.packet]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_has_its_name_and_all_of_one_share_the_bytes() {
        let short = Some("node-created".into());
        let spellings = Spellings::new("graph:node-created".into(), short, "{\"a\":1}");
        let (root, graph) = (Namespace::Root, Namespace::Graph);
        assert_eq!(spellings.packet(root).as_str(), r#"["graph:node-created",{"a":1}]"#);
        assert_eq!(spellings.packet(graph).as_str(), r#"["node-created",{"a":1}]"#);
        assert_eq!(&spellings.frame(graph)[2..], br#"42/graph,["node-created",{"a":1}]"#);
        assert_eq!(spellings.frame(graph).as_ptr(), spellings.frame(graph).as_ptr());
        assert_eq!(spellings.open_payload(graph), &br#"42/graph,["node-created",{"a":1}"#[..]);
        assert_eq!(spellings.open_payload(root), &br#"42["graph:node-created",{"a":1}"#[..]);
    }

    #[test]
    fn an_event_without_a_short_name_has_one_name_everywhere() {
        let spellings = Spellings::new("job_update".into(), None, "{}");
        assert_eq!(spellings.packet(Namespace::Graph).as_str(), r#"["job_update",{}]"#);
    }
}
