//! A room's last events where they are told as one state: each with the name that it has by itself.

use roomcast_proto::v1::Event;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Encoded;

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct LastEvent<'a> {
    /// Under which clients get it by itself.
    r#type: &'a str,
    event_id: &'a str,
    /// As clients get it by itself.
    data: Option<Box<RawValue>>,
}

impl<'a> LastEvent<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        let data = RawValue::from_string(Encoded::new(event).payload().to_owned()).ok();
        Self { r#type: &event.r#type, event_id: &event.event_id, data }
    }
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::{Payload, event};

    use super::*;

    #[test]
    fn an_event_has_its_name_beside_what_its_publisher_wrote() {
        let content = Payload { content_type: String::new(), data: r#"{"type":1.0}"#.into() };
        let event = Event {
            r#type: "level".into(),
            event_id: "e".into(),
            body: Some(event::Body::Payload(content)),
            ..Event::default()
        };
        let told = serde_json::to_string(&LastEvent::of(&event)).unwrap();
        let start = r#"{"type":"level","event_id":"e","data":{"type":1.0,"topic":""#;
        assert!(told.starts_with(start), "{told}");
    }
}
