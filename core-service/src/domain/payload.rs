//! A user's own content: bytes that are stored and delivered untouched.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The media type that a missing one means.
pub const JSON: &str = "application/json";

/// Content and its media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Media type; [`JSON`] if the bytes are a JSON text.
    pub content_type: Cow<'static, str>,
    /// The bytes.
    pub data: Bytes,
}

impl Payload {
    /// A JSON text. The caller has checked that it is one.
    #[must_use]
    pub fn json(text: impl Into<Bytes>) -> Payload {
        Payload { content_type: JSON.into(), data: text.into() }
    }

    /// Whether the bytes are a JSON text.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.content_type == JSON
    }
}

/// How a payload lies inside a stored record: as text where it is text.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.data).ok().map(str::to_owned);
        let base64 = text.is_none().then(|| STANDARD.encode(&self.data));
        let content_type = (!self.is_json()).then(|| self.content_type.clone());
        Stored { content_type, text, base64 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let data = match (stored.text, stored.base64) {
            (Some(text), _) => Bytes::from(text),
            (None, Some(base64)) => {
                STANDARD.decode(base64).map_err(serde::de::Error::custom)?.into()
            }
            (None, None) => Bytes::new(),
        };
        Ok(Payload { content_type: stored.content_type.unwrap_or_else(|| JSON.into()), data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_stored_byte_for_byte() {
        for (content_type, data) in
            [(JSON, &b"{\"a\": 1.0}"[..]), ("image/png", &[0xff, 0, 0x89]), ("text/plain", b"")]
        {
            let payload =
                Payload { content_type: content_type.into(), data: Bytes::copy_from_slice(data) };
            let stored = serde_json::to_string(&payload).expect("serializes");
            assert_eq!(serde_json::from_str::<Payload>(&stored).expect("reads back"), payload);
        }
    }
}
