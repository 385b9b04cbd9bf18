//! Checks of values that come in. A problem names the field, what is wrong and what would be right.

use std::time::Duration;

use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::domain::limits;
use crate::domain::name::{NAME_BYTES_MAX, is_name};
use crate::domain::payload::{JSON, Payload};
use crate::domain::time::Time;

/// Types of one filter: more than any page of an application shows apart.
const TYPES_MAX: usize = 32;

/// INVALID_ARGUMENT for one field.
pub(in crate::service) fn invalid(field: &str, problem: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation(field, problem);
    Code::InvalidArgument.status_with(format!("{field}: {problem}"), details)
}

/// What was read of one item of a list. A field that is wrong is named with its place in the list.
pub(in crate::service) fn item<T>(
    list: &str,
    at: usize,
    read: Result<T, Status>,
) -> Result<T, Status> {
    read.map_err(|status| {
        let details = status.get_error_details();
        match details.bad_request().and_then(|bad| bad.field_violations.first()) {
            Some(wrong) => invalid(&format!("{list}[{at}].{}", wrong.field), &wrong.description),
            None => status,
        }
    })
}

pub(in crate::service) fn name(field: &str, value: String) -> Result<String, Status> {
    if is_name(&value) { Ok(value) } else { Err(invalid(field, "must be [A-Za-z0-9_.-]{1,128}")) }
}

/// An id of ours in a request: one that is none names nothing.
pub(in crate::service) fn job_id(value: String) -> Result<String, Status> {
    match value.as_str() {
        "" => Err(invalid("job_id", "is required")),
        id if is_name(id) => Ok(value),
        _ => Err(job_not_found(&value)),
    }
}

pub(in crate::service) fn job_not_found(job_id: &str) -> Status {
    let shown: String = job_id.chars().take(64).collect();
    let mut details = ErrorDetails::new();
    details.set_resource_info("job", shown.clone(), "", "no such job, or no right to it");
    Code::JobNotFound.status_with(format!("Job {shown} not found or access denied"), details)
}

pub(in crate::service) fn text(field: &str, value: String, max: usize) -> Result<String, Status> {
    if value.len() <= max {
        Ok(value)
    } else {
        Err(invalid(field, &format!("has {} bytes; at most {max}", value.len())))
    }
}

/// Types of events that a reader wants: each event is held against all of them.
pub(in crate::service) fn types(types: Vec<String>) -> Result<Vec<String>, Status> {
    if types.len() > TYPES_MAX || types.iter().any(|one| one.len() > NAME_BYTES_MAX) {
        return Err(invalid("types", "at most 32, of at most 128 bytes each"));
    }
    Ok(types)
}

/// A text that something is found by, or that stands beside its content: not every database keeps a NUL
/// in one.
pub(in crate::service) fn key(field: &str, value: String, max: usize) -> Result<String, Status> {
    if value.contains('\0') {
        return Err(invalid(field, "must not hold a NUL character"));
    }
    text(field, value, max)
}

/// What people call something. Empty is none; of blanks alone nobody could tell that it is there.
pub(in crate::service) fn title(field: &str, value: String, max: usize) -> Result<String, Status> {
    if !value.is_empty() && value.trim().is_empty() {
        return Err(invalid(field, "must not be blank"));
    }
    key(field, value, max)
}

pub(in crate::service) fn span(
    field: &str,
    value: Option<prost_types::Duration>,
    max: Duration,
) -> Result<Option<Duration>, Status> {
    let Some(value) = value else { return Ok(None) };
    match Duration::try_from(value) {
        Ok(span) if span <= max => Ok(Some(span)),
        Ok(_) | Err(_) => Err(invalid(field, &format!("must be 0 to {} s", max.as_secs()))),
    }
}

pub(in crate::service) fn time(
    field: &str,
    value: Option<prost_types::Timestamp>,
) -> Result<Option<Time>, Status> {
    let Some(value) = value else { return Ok(None) };
    let millis = i128::from(value.seconds) * 1000 + i128::from(value.nanos / 1_000_000);
    match u64::try_from(millis) {
        Ok(millis) => Ok(Some(Time(millis))),
        Err(_) => Err(invalid(field, "must not lie before 1970")),
    }
}

/// A payload: within its limit and, if JSON, really JSON.
pub(in crate::service) fn payload(field: &str, value: v1::Payload) -> Result<Payload, Status> {
    let payload = sized(field, value)?;
    if payload.is_json() {
        json(field, &payload.data)?;
    }
    Ok(payload)
}

/// A payload within its limit, whatever is in it.
pub(in crate::service) fn sized(field: &str, value: v1::Payload) -> Result<Payload, Status> {
    if value.data.len() > limits::PAYLOAD_BYTES_MAX {
        let problem = format!("has {} bytes; at most 1 MiB", value.data.len());
        return Err(Code::PayloadTooLarge.status(format!("{field}: {problem}")));
    }
    let content_type = match value.content_type {
        given if given.is_empty() || is_json(&given) => JSON.into(),
        given => key("content_type", given, limits::LABEL_BYTES_MAX)?.into(),
    };
    Ok(Payload { content_type, data: value.data })
}

/// In whatever spelling: what edges take for JSON has one name, and has been checked.
fn is_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case(JSON)
}

/// Checks a JSON text: UTF-8, one value, not nested too deep.
pub(in crate::service) fn json(field: &str, data: &[u8]) -> Result<(), Status> {
    parsed::<IgnoredAny>(field, data).map(drop)
}

/// Reads a JSON text, checked as it is read. What has another shape than `T` is no object. What `T` skips is
/// read by nobody else, so that the whole text is held to UTF-8 first.
pub(in crate::service) fn parsed<'text, T: Deserialize<'text>>(
    field: &str,
    data: &'text [u8],
) -> Result<T, Status> {
    if depth(data) > limits::JSON_DEPTH_MAX {
        return Err(invalid(field, "is nested deeper than 64 levels"));
    }
    let text = std::str::from_utf8(data).map_err(|_| invalid(field, "is not UTF-8"))?;
    serde_json::from_str(text).map_err(|error| match error.is_data() {
        true => invalid(field, "must be one JSON object"),
        false => invalid(field, &format!("is not JSON: {error}")),
    })
}

/// How deep a JSON text is nested. What it says of another text means nothing.
fn depth(data: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0_usize;
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in data {
        match (in_string, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_something_is_found_by_holds_no_nul() {
        assert!(key("tenant", "acme".into(), 9).is_ok());
        assert!(text("reason", "a\0b".into(), 9).is_ok(), "content may");
        for refused in [
            key("tenant", "a\0b".into(), 9).err(),
            title("name", "\0".into(), 9).err(),
            sized("data", v1::Payload { content_type: "a\0".into(), data: "{}".into() }).err(),
        ] {
            let details = refused.expect("refused").get_error_details();
            assert!(details.bad_request().is_some(), "{details:?}");
        }
    }
}
