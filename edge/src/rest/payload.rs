//! A user's own JSON on its way to the core.

use bytes::Bytes;
use roomcast_proto::v1::Payload;
use serde_json::value::RawValue;

/// The JSON as it was written.
pub(super) fn payload(raw: Box<RawValue>) -> Payload {
    let text: Box<str> = raw.into();
    Payload { content_type: "application/json".to_owned(), data: Bytes::from(text.into_string()) }
}
