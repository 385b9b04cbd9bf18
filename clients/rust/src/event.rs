//! An event to be.

use bytes::Bytes;
use roomcast_proto::v1::{NewEvent, Payload};
use serde::Serialize;

use crate::error::Error;

const JSON: &str = "application/json";

/// A type and a content. Types are `[A-Za-z0-9_.:-]{1,128}`, none of Socket.IO's reserved names and none
/// of the contract's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(NewEvent);

impl Event {
    /// A value that is one JSON object, at most 1 MiB, without the fields `topic`, `cursor`, `event_id`,
    /// `trace_id` and `timestamp`, which subscribers find beside its own.
    ///
    /// # Errors
    /// [`Error::Payload`] when the value cannot be written as JSON.
    pub fn json(event_type: impl Into<String>, value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::bytes(event_type, JSON, serde_json::to_vec(value)?))
    }

    /// Bytes of any media type, at most 1 MiB. Browsers get those that are not JSON as `{content_type,
    /// data_base64}`.
    pub fn bytes(
        event_type: impl Into<String>,
        content_type: impl Into<String>,
        data: impl Into<Bytes>,
    ) -> Self {
        let payload = Payload { content_type: content_type.into(), data: data.into() };
        Self(NewEvent { r#type: event_type.into(), payload: Some(payload) })
    }
}

impl From<Event> for NewEvent {
    fn from(event: Event) -> Self {
        event.0
    }
}
