//! An event ready to be written: one text for each namespace, shared by all who get it.

use roomcast_proto::v1::Event;

use super::{Envelope, Spellings, delivered};

/// An event of a log in its wire form.
#[derive(Debug)]
pub struct Encoded {
    offset: u64,
    cursor: String,
    event_id: String,
    event_type: String,
    spellings: Spellings,
}

impl Encoded {
    /// Encodes an event.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        let body = delivered(event);
        let payload = Envelope::of(event).seal(&body.object);
        Self {
            offset: event.offset,
            cursor: event.cursor.clone(),
            event_id: event.event_id.clone(),
            event_type: event.r#type.clone(),
            spellings: Spellings::new(body.name, body.short, &payload),
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
        self.spellings.name()
    }

    /// The payload: the text of one JSON object. It may hold line breaks where its publisher put them.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.spellings.payload()
    }

    /// What goes out to sockets.
    pub(crate) fn spellings(&self) -> &Spellings {
        &self.spellings
    }

    /// Bytes it takes in memory, the frame of one namespace included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.spellings.size() + self.cursor.len() + self.event_id.len() + size_of::<Self>()
    }
}
