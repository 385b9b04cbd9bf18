//! An event ready to be written: one text, shared by all who get it.

use std::sync::OnceLock;

use bytes::Bytes;
use roomcast_proto::v1::Event;
use socketioxide_core::Str;

use super::{Envelope, body};
use crate::lane::text_frame;

/// An event of a log in its wire form.
#[derive(Debug)]
pub struct Encoded {
    offset: u64,
    cursor: String,
    event_id: String,
    event_type: String,
    name: String,
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
        let mut packet = String::from("[");
        packet.push_str(&serde_json::Value::from(body.name.as_ref()).to_string());
        packet.push(',');
        let payload_start = packet.len();
        packet.push_str(&Envelope::of(event).seal(&body.object));
        packet.push(']');
        Self {
            offset: event.offset,
            cursor: event.cursor.clone(),
            event_id: event.event_id.clone(),
            event_type: event.r#type.clone(),
            name: body.name.into_owned(),
            packet: Str::from(packet),
            payload_start,
            frame: OnceLock::new(),
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

    /// Name on the wire, such as `job_update`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The payload: the text of one JSON object. It may hold line breaks where its publisher put them.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.packet[self.payload_start..self.packet.len() - 1]
    }

    /// The packet's text `["name",{…}]`, shared and not copied.
    #[must_use]
    pub fn packet(&self) -> Str {
        self.packet.clone()
    }

    /// The packet as one WebSocket text frame, shared and not copied.
    #[must_use]
    pub fn frame(&self) -> &Bytes {
        self.frame.get_or_init(|| text_frame(&["42", &self.packet]))
    }

    /// The frame's payload without the bracket at its end, for those who add an argument.
    #[must_use]
    pub fn open_payload(&self) -> Bytes {
        let frame = self.frame();
        frame.slice(frame.len() - "42".len() - self.packet.len()..frame.len() - 1)
    }

    /// Bytes it takes in memory, its frame included.
    #[must_use]
    pub fn size(&self) -> usize {
        2 * self.packet.len() + self.cursor.len() + self.event_id.len() + size_of::<Self>()
    }
}
