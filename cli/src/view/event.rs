//! An event of a log.

use std::fmt;

use roomcast_edge::names::{self, rfc3339};
use roomcast_proto::v1::Event;
use serde::Serialize;
use serde_json::value::RawValue;

/// An event as REST shows it.
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    frame: &'static str,
    r#type: &'a str,
    name: String,
    data: Option<Box<RawValue>>,
    topic: &'a str,
    cursor: &'a str,
    event_id: &'a str,
    timestamp: Option<String>,
    trace_id: &'a str,
}

impl<'a> EventView<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        let body = names::body(event);
        Self {
            frame: "event",
            r#type: &event.r#type,
            name: body.name.into_owned(),
            data: RawValue::from_string(body.object).ok(),
            topic: &event.topic,
            cursor: &event.cursor,
            event_id: &event.event_id,
            timestamp: event.time.as_ref().map(rfc3339),
            trace_id: &event.trace_id,
        }
    }
}

impl fmt::Display for EventView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.timestamp.as_deref().unwrap_or("-");
        let data = self.data.as_ref().map_or("{}", |data| data.get());
        write!(formatter, "{time}  {}  {data}", self.r#type)
    }
}
