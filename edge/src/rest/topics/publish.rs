//! Bodies of publishing.

use roomcast_proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    problem::Problem,
    rest::{idempotency::IdempotencyKey, payload::payload},
};

/// An event to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEvent {
    /// `[A-Za-z0-9_.:-]{1,128}`, none of Socket.IO's reserved names and none of Roomcast's.
    #[schema(example = "system_metrics_update")]
    r#type: String,
    /// One JSON object, kept byte for byte, without the fields `topic`, `cursor`, `event_id`,
    /// `trace_id` and `timestamp`.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// Refuse unless the topic's head is at this offset.
    expected_offset: Option<u64>,
    /// At most 128 bytes; as the `Idempotency-Key` header.
    idempotency_key: Option<String>,
}

/// Events to be, all of them or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// 1 to 1000, together at most 1 MiB.
    events: Vec<BatchEvent>,
    /// Refuse unless the topic's head is at this offset.
    expected_offset: Option<u64>,
    /// At most 128 bytes; as the `Idempotency-Key` header.
    idempotency_key: Option<String>,
}

/// One event of a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchEvent {
    /// As of a single event.
    r#type: String,
    /// As of a single event.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
}

/// An event that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published<'a> {
    /// Its unique name.
    event_id: &'a str,
    /// Its cursor.
    cursor: &'a str,
    /// Its offset in the topic, gapless from 1.
    offset: u64,
}

/// Events that are durable, in the order given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublishedBatch<'a> {
    pub(super) events: Vec<Published<'a>>,
}

impl NewEvent {
    pub(super) fn request(
        self,
        topic: String,
        key: IdempotencyKey,
    ) -> Result<v1::PublishRequest, Problem> {
        Ok(v1::PublishRequest {
            topic,
            event: Some(event(self.r#type, self.data)),
            expected_offset: self.expected_offset,
            idempotency_key: key.or(self.idempotency_key)?,
            tenant: String::new(),
        })
    }
}

impl Batch {
    pub(super) fn request(
        self,
        topic: String,
        key: IdempotencyKey,
    ) -> Result<v1::PublishBatchRequest, Problem> {
        Ok(v1::PublishBatchRequest {
            topic,
            events: self.events.into_iter().map(|new| event(new.r#type, new.data)).collect(),
            expected_offset: self.expected_offset,
            idempotency_key: key.or(self.idempotency_key)?,
            tenant: String::new(),
        })
    }
}

impl<'a> Published<'a> {
    pub(super) fn of(published: &'a v1::Published) -> Self {
        Self { event_id: &published.event_id, cursor: &published.cursor, offset: published.offset }
    }
}

fn event(r#type: String, data: Box<RawValue>) -> v1::NewEvent {
    v1::NewEvent { r#type, payload: Some(payload(data)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_data_travels_byte_for_byte() {
        let own = r#"{ "z":1.0, "a": 99999999999999999999,"é":"\u00e9" }"#;
        let body = format!(r#"{{"events":[{{"data":{own},"type":"a"}}],"expected_offset":0}}"#);
        let batch: Batch = serde_json::from_str(&body).unwrap();
        let request = batch.request("room:x".into(), IdempotencyKey::none()).unwrap();
        assert_eq!(request.expected_offset, Some(0));
        let payload = request.events[0].payload.as_ref().unwrap();
        assert_eq!(payload.data, own.as_bytes());
    }

    #[test]
    fn no_expected_offset_is_not_offset_zero() {
        let event: NewEvent = serde_json::from_str(r#"{"type":"a","data":{}}"#).unwrap();
        let request = event.request("room:x".into(), IdempotencyKey::none()).unwrap();
        assert_eq!(request.expected_offset, None);
    }
}
