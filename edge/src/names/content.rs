//! A user's own content inside a payload: JSON as JSON, everything else as base64.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use roomcast_proto::v1::Payload;
use serde::Serialize;
use serde_json::value::RawValue;

/// Content as a field of a payload.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    /// JSON, its text untouched.
    Json(&'a RawValue),
    /// Anything else.
    Bytes {
        /// The publisher's media type.
        content_type: &'a str,
        /// The content.
        data_base64: String,
    },
}

impl<'a> Content<'a> {
    pub(crate) fn of(payload: &'a Payload) -> Self {
        let json = if is_json(&payload.content_type) {
            serde_json::from_slice::<&RawValue>(&payload.data).ok()
        } else {
            None
        };
        json.map_or_else(
            || Self::Bytes {
                content_type: &payload.content_type,
                data_base64: BASE64_STANDARD.encode(&payload.data),
            },
            Self::Json,
        )
    }
}

/// Published content as the text of one object.
pub(super) fn object(payload: &Payload) -> String {
    match Content::of(payload) {
        Content::Json(raw) if raw.get().trim_start().starts_with('{') => raw.get().to_owned(),
        // The core lets only objects in; any other text is not for a browser to guess at.
        Content::Json(_) => "{}".to_owned(),
        bytes @ Content::Bytes { .. } => {
            serde_json::to_string(&bytes).unwrap_or_else(|_| "{}".to_owned())
        }
    }
}

/// The core gives JSON one name, in whatever spelling it came, and has checked no other content.
fn is_json(content_type: &str) -> bool {
    matches!(content_type, "" | "application/json")
}
