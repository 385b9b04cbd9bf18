//! A message of the dashboard's rooms: what was published, and what it is about.

use roomcast_proto::{
    dashboard,
    v1::{Event, Payload},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Content;

/// A message of the dashboard's rooms: `{event, data, room}`; the envelope adds the rest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardMessage)]
pub(super) struct Message<'a> {
    /// Its type, once more.
    event: &'a str,
    /// What was published, byte for byte.
    #[schema(value_type = Object)]
    data: Content<'a>,
    /// The room's name.
    room: &'a str,
}

/// The message that carries published content to browsers, where its room is one of the dashboard's.
pub(super) fn object(event: &Event, payload: &Payload) -> Option<String> {
    let room = event.topic.strip_prefix("room:").filter(|room| dashboard::has_room(room))?;
    let message = Message { event: &event.r#type, data: Content::of(payload), room };
    Some(serde_json::to_string(&message).unwrap_or_else(|_| "{}".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(topic: &str, data: &str) -> Option<String> {
        let payload = Payload { data: data.to_owned().into(), ..Payload::default() };
        let event =
            Event { topic: topic.into(), r#type: "agent_status_update".into(), ..Event::default() };
        object(&event, &payload)
    }

    #[test]
    fn what_was_published_stands_under_data_byte_for_byte() {
        assert_eq!(
            published("room:agents", r#"{ "cpu": 1.0, "timestamp": 7 }"#).as_deref(),
            Some(
                r#"{"event":"agent_status_update","data":{ "cpu": 1.0, "timestamp": 7 },"room":"agents"}"#
            )
        );
        assert!(published("room:admin", "{}").is_some());
    }

    #[test]
    fn other_rooms_have_no_such_messages() {
        assert_eq!(published("room:open", "{}"), None);
        assert_eq!(published("user:agents", "{}"), None);
    }
}
