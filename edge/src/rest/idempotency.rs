//! `Idempotency-Key`: the same key and content give the same answer for 24 hours.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::problem::Problem;

/// The header's name.
pub(super) const HEADER: &str = "idempotency-key";

/// The key that a request's header carries, if any.
#[derive(Debug)]
pub(super) struct IdempotencyKey(Option<Vec<u8>>);

impl IdempotencyKey {
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The one key of a request that may name it in its header, in its body, or in both alike.
    pub(super) fn or(self, body: Option<String>) -> Result<String, Problem> {
        let header = self
            .0
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| Problem::field(HEADER, "must be text"))?;
        match (header, body) {
            (Some(header), Some(body)) if header != body => {
                Err(Problem::field("idempotency_key", "differs from the Idempotency-Key header"))
            }
            (Some(key), _) | (None, Some(key)) => Ok(key),
            (None, None) => Ok(String::new()),
        }
    }

    /// As [`IdempotencyKey::or`], where a body without a key has an empty one.
    pub(super) fn or_own(self, body: String) -> Result<String, Problem> {
        self.or(Some(body).filter(|key| !key.is_empty()))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(HEADER).map(|value| value.as_bytes().to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(header: Option<&str>, body: Option<&str>) -> Result<String, Problem> {
        IdempotencyKey(header.map(|text| text.as_bytes().to_vec())).or(body.map(str::to_owned))
    }

    #[test]
    fn header_and_body_name_one_key() {
        assert_eq!(key(None, None).unwrap(), "");
        assert_eq!(key(Some("a"), None).unwrap(), "a");
        assert_eq!(key(None, Some("a")).unwrap(), "a");
        assert_eq!(key(Some("a"), Some("a")).unwrap(), "a");
        assert!(key(Some("a"), Some("b")).is_err());
    }
}
