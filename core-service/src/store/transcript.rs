//! An event as one core tells it to another: the log's own form of it, with its place.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use super::sql::row::{KINDS, kind_number};
use super::{Error, codec};
use crate::domain::cursor::Cursor;
use crate::domain::event::{Event, Linked};
use crate::domain::time::Time;
use crate::domain::topic::Topic;

/// An event, written down. Fields may be added; a number never changes its meaning.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Transcript {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(string, tag = "2")]
    tenant: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint64, tag = "4")]
    offset: u64,
    #[prost(uint32, tag = "5")]
    stamp: u32,
    #[prost(uint64, tag = "6")]
    time: u64,
    #[prost(bytes = "bytes", tag = "7")]
    trace: Bytes,
    #[prost(string, tag = "8")]
    pub(crate) r#type: String,
    #[prost(int64, tag = "9")]
    form: i64,
    #[prost(bytes = "bytes", tag = "10")]
    body: Bytes,
    /// The stamp of the event before it. A core that is older than this field says nothing.
    #[prost(uint32, optional, tag = "11")]
    before: Option<u32>,
}

impl Transcript {
    /// Writes an event down.
    ///
    /// # Errors
    /// When its body cannot be written as JSON.
    pub(crate) fn of(linked: &Linked) -> Result<Transcript, Error> {
        let Linked { event, before } = linked;
        let (form, body) = codec::encode(&event.body)?;
        Ok(Transcript {
            kind: kind_number(event.topic.kind()),
            tenant: event.topic.tenant().to_owned(),
            name: event.topic.name().to_owned(),
            offset: event.cursor.offset,
            stamp: event.cursor.stamp,
            time: event.time.0,
            trace: event.trace.map(|trace| Bytes::copy_from_slice(&trace)).unwrap_or_default(),
            r#type: event.kind.as_ref().to_owned(),
            form: form as i64,
            body,
            before: *before,
        })
    }

    /// Whose event it is.
    ///
    /// # Errors
    /// [`Error::Damaged`] when there is no such topic.
    pub(crate) fn topic(&self) -> Result<Topic, Error> {
        let kind = KINDS.into_iter().find(|kind| kind_number(*kind) == self.kind);
        let kind =
            kind.ok_or_else(|| Error::Damaged(format!("no topic has kind {}", self.kind)))?;
        Topic::new(&self.tenant, kind, &self.name)
            .map_err(|error| Error::Damaged(error.to_string()))
    }

    /// The event.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it does not parse, or stands nowhere.
    pub(crate) fn event(&self, topic: Topic) -> Result<Linked, Error> {
        if self.offset == 0 || self.stamp == 0 {
            return Err(Error::Damaged(format!("an event of {topic} stands nowhere")));
        }
        let trace = match &self.trace[..] {
            [] => None,
            bytes => Some(
                <[u8; 16]>::try_from(bytes)
                    .map_err(|_| Error::Damaged(format!("a trace of {topic} has no 16 bytes")))?,
            ),
        };
        let event = Event {
            topic,
            cursor: Cursor { offset: self.offset, stamp: self.stamp },
            time: Time(self.time),
            trace,
            kind: self.r#type.as_str().into(),
            body: codec::decode(self.form, &self.body)?,
        };
        Ok(Linked { event: Arc::new(event), before: self.before })
    }
}
