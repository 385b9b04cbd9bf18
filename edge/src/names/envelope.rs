//! The fields that every payload ends with.

use prost_types::Timestamp;
use roomcast_proto::v1::Event;
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;

/// Where an event stands and where it came from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Envelope<'a> {
    /// Full name of the topic.
    pub topic: &'a str,
    /// What a reader hands back to go on after this event; empty where more of it is to come.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cursor: &'a str,
    /// Unique name.
    pub event_id: &'a str,
    /// W3C trace id, 32 hex digits, or empty.
    pub trace_id: &'a str,
    /// When it was committed.
    #[schema(format = DateTime)]
    pub timestamp: String,
}

impl<'a> Envelope<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        Self {
            topic: &event.topic,
            cursor: &event.cursor,
            event_id: &event.event_id,
            trace_id: &event.trace_id,
            timestamp: rfc3339(event.time.as_ref().unwrap_or(&Timestamp::default())),
        }
    }

    /// The object with these fields at its end. Its own text stays as it is: parsing and printing it
    /// again would change numbers, the order of fields and escapes.
    #[must_use]
    pub fn seal(&self, object: &str) -> String {
        let own = object.trim().strip_suffix('}').unwrap_or("{").trim_end();
        let fields = serde_json::to_string(self).unwrap_or_default();
        let fields = fields.strip_prefix('{').unwrap_or("}");
        let comma = if own == "{" { "" } else { "," };
        format!("{own}{comma}{fields}")
    }
}
