//! Fields that many commands have.

use serde::Deserialize;

use super::{Refusal, malformed};

/// Characters of an id, as topics have them.
const ID_BYTES_MAX: usize = 128;

/// An id as clients write it: some write numbers.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an id is a text or a whole number")]
pub(in crate::socket) enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    /// The id that must stand in this field.
    pub(in crate::socket) fn required(id: Option<Self>, field: &str) -> Result<String, Refusal> {
        let id = match id {
            None => return Err(malformed(format!("{field} is required"))),
            Some(Self::Text(text)) => text,
            Some(Self::Number(number)) => number.to_string(),
        };
        let is_well_formed = (1..=ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if is_well_formed { Ok(id) } else { Err(malformed(format!("{field} is not an id"))) }
    }
}
