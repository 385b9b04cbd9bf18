//! A request's body: one JSON value of the documented shape, or a problem that says where it is not.

use std::time::Duration;

use axum::{
    body::BodyDataStream,
    extract::{FromRequest, Request},
};
use bytes::{Bytes, BytesMut};
use futures::{Stream as _, StreamExt as _};
use http::{HeaderMap, header};
use roomcast_proto::registry::Code;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::problem::{FieldError, Problem};

/// The content itself, at most: the core's own limit for a payload and for a batch of them.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// What stands around the content: a thousand events of a batch with types of 128 bytes.
const ENVELOPE_BYTES_MAX: usize = 256 * 1024;

/// No request is read beyond this.
pub(super) const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + ENVELOPE_BYTES_MAX;

/// A body must arrive within this: a slow one holds a place, and what has come of it.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// What is read of a body that is too large, and dropped, before the connection is given up.
const DROPPED_BYTES_MAX: usize = 16 * BODY_BYTES_MAX;

/// A JSON body. Parts of type `RawValue` keep their text byte for byte.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let bytes = whole(request, BODY_TIMEOUT).await?;
        if !json {
            return Err(not_json());
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body that may be left out, or `null`.
#[derive(Debug)]
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let bytes = whole(request, BODY_TIMEOUT).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(not_json());
        }
        parse::<Option<T>>(&bytes).map(|value| Self(value.unwrap_or_default()))
    }
}

/// A body, if it comes in time and within its limit: one that is known to be too large is told so, however
/// slowly it comes.
async fn whole(request: Request, limit: Duration) -> Result<Bytes, Problem> {
    let mut body = Arriving::new(request);
    let read = if body.is_hopeless() { Ok(Ok(())) } else { timeout(limit, body.read()).await };
    match read {
        _ if body.is_too_large() => {
            let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
            Err(Problem::new(Code::PayloadTooLarge, detail))
        }
        Ok(read) => read.map(|()| body.kept.freeze()),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", limit.as_secs());
            Err(Problem::new(Code::MalformedMessage, detail))
        }
    }
}

/// A body as far as it has come.
struct Arriving {
    chunks: BodyDataStream,
    /// Its length, as far as it is known: what its sender says, or more if more has come.
    length: usize,
    kept: BytesMut,
}

impl Arriving {
    fn new(request: Request) -> Self {
        let chunks = request.into_body().into_data_stream();
        let (length, _) = chunks.size_hint();
        Self { chunks, length, kept: BytesMut::new() }
    }

    /// Reads it within its limit. What is beyond it is read and dropped for a while: a client that is
    /// still sending would not read the answer.
    async fn read(&mut self) -> Result<(), Problem> {
        let mut come = 0;
        while let Some(chunk) = self.chunks.next().await {
            let broken =
                |error| Problem::new(Code::MalformedMessage, format!("broke off: {error}"));
            let chunk = chunk.map_err(broken)?;
            come += chunk.len();
            self.length = self.length.max(come);
            if self.is_hopeless() {
                break;
            }
            if !self.is_too_large() {
                self.kept.extend_from_slice(&chunk);
            }
        }
        Ok(())
    }

    fn is_too_large(&self) -> bool {
        self.length > BODY_BYTES_MAX
    }

    /// Whether it is so large that not even its end is waited for.
    fn is_hopeless(&self) -> bool {
        self.length > DROPPED_BYTES_MAX
    }
}

fn not_json() -> Problem {
    Problem::new(Code::UnsupportedMediaType, "the body must be sent as application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take a list for an object, its elements for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(Problem::new(Code::MalformedMessage, "a list is no JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let field = if path == "." { String::new() } else { path };
        let problem = Problem::new(Code::MalformedMessage, inner.to_string());
        // A syntax error has a place in the text, which serde's message names; only a value of the
        // wrong shape has a field.
        if inner.is_data() {
            problem.errors(vec![FieldError { field, description: inner.to_string() }])
        } else {
            problem
        }
    })?;
    json.end().map_err(|error| Problem::new(Code::MalformedMessage, error.to_string()))?;
    Ok(value)
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let media = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

#[cfg(test)]
mod tests;
