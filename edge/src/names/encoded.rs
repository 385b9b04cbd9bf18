//! An event ready to be written: one text for each namespace, shared by all who get it.

use std::{borrow::Cow, sync::OnceLock};

use bytes::Bytes;
use roomcast_proto::v1::Event;
use socketioxide_core::Str;

use super::{Envelope, body};
use crate::lane::{Namespace, text_frame};

/// An event of a log in its wire form.
#[derive(Debug)]
pub struct Encoded {
    offset: u64,
    cursor: String,
    event_id: String,
    event_type: String,
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

impl Encoded {
    /// Encodes an event.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        let body = body(event);
        let payload = Envelope::of(event).seal(&body.object);
        Self {
            offset: event.offset,
            cursor: event.cursor.clone(),
            event_id: event.event_id.clone(),
            event_type: event.r#type.clone(),
            root: Spelling::new(Namespace::Root, body.name, &payload),
            short: body.short,
            graph: OnceLock::new(),
        }
    }

    /// Offset in the topic, gapless from 1.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What a reader hands back to go on after this event.
    #[must_use]
    pub fn cursor(&self) -> &str {
        &self.cursor
    }

    /// Unique name of the event.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Type in the log, such as `job.progress`: what filters speak of.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Name on the wire, such as `job_update`: its full one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.root.name
    }

    /// The payload: the text of one JSON object. It may hold line breaks where its publisher put them.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.root.payload()
    }

    /// The packet's text `["name",{…}]` as a namespace has it, shared and not copied.
    #[must_use]
    pub(crate) fn packet(&self, namespace: Namespace) -> Str {
        self.spelling(namespace).packet.clone()
    }

    /// The packet as one WebSocket text frame, shared and not copied.
    #[must_use]
    pub(crate) fn frame(&self, namespace: Namespace) -> &Bytes {
        self.spelling(namespace).frame()
    }

    /// The frame's payload without the bracket at its end, for those who add an argument.
    #[must_use]
    pub(crate) fn open_payload(&self, namespace: Namespace) -> Bytes {
        let spelling = self.spelling(namespace);
        let frame = spelling.frame();
        let text = EVENT.len() + namespace.prefix().len() + spelling.packet.len();
        frame.slice(frame.len() - text..frame.len() - 1)
    }

    /// Bytes it takes in memory where one namespace is read, the frame included.
    #[must_use]
    pub fn size(&self) -> usize {
        2 * self.root.packet.len() + self.cursor.len() + self.event_id.len() + size_of::<Self>()
    }

    fn spelling(&self, namespace: Namespace) -> &Spelling {
        match namespace {
            Namespace::Root => &self.root,
            Namespace::Graph => self.graph.get_or_init(|| {
                let name = self.short.clone().unwrap_or_else(|| self.root.name.clone());
                Box::new(Spelling::new(namespace, name, self.payload()))
            }),
        }
    }
}

/// The packet type of an event, inside a message of Engine.IO.
const EVENT: &str = "42";

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
