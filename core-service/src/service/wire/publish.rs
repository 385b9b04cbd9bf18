//! What is published.

use std::collections::HashMap;

use bytes::Bytes;
use roomcast_proto::registry::Code;
use roomcast_proto::{dashboard, v1};
use serde::de::IgnoredAny;
use tonic::Status;

use super::check::{self, invalid};
use crate::domain::event::{Body, NewEvent};
use crate::domain::job::Reported;
use crate::domain::limits;
use crate::domain::payload::Payload;
use crate::domain::topic::{Kind, Topic};

/// Fields of every delivered payload, which a publisher's object must not have.
const RESERVED_FIELDS: [&str; 5] = ["topic", "cursor", "event_id", "trace_id", "timestamp"];

/// The same of a worker's own event: what job and attempt it is of is said for it.
const REPORTED_FIELDS: [&str; 7] =
    ["topic", "cursor", "event_id", "trace_id", "timestamp", "job_id", "attempt"];

/// Names that Socket.IO keeps for itself.
const SOCKETIO_NAMES: [&str; 7] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "message",
];

/// Event names that Roomcast itself emits.
const OWN_NAMES: [&str; 13] = [
    "connected",
    "error",
    "pong",
    "job_status",
    "job_update",
    "job_unsubscribed",
    "job_output",
    "token_usage",
    "reset",
    "token_expiring",
    "closing",
    "presence",
    "closed",
];

/// What Roomcast's own event types begin with, before a full stop or colon.
const OWN_PREFIXES: [&str; 5] = ["job", "session", "graph", "command", "project"];

pub(in crate::service) fn topic(tenant: &str, full: &str) -> Result<Topic, Status> {
    Topic::parse(tenant, full).map_err(|error| invalid("topic", &error.to_string()))
}

/// Whether a topic is a view: rooms that are seen together, and no log of its own.
pub(in crate::service) fn is_view(topic: &Topic) -> bool {
    topic.kind() == Kind::Room && topic.name() == dashboard::VIEW
}

pub(in crate::service) fn events(
    wire: Vec<v1::NewEvent>,
    topic: &Topic,
) -> Result<Vec<NewEvent>, Status> {
    if wire.is_empty() || wire.len() > limits::BATCH_EVENTS_MAX {
        return Err(invalid("events", "a batch has 1 to 1000 events"));
    }
    within_one_payload(&wire)?;
    let read = |(at, wire)| check::item("events", at, event(wire, topic));
    wire.into_iter().enumerate().map(read).collect()
}

pub(in crate::service) fn event(wire: v1::NewEvent, topic: &Topic) -> Result<NewEvent, Status> {
    let kind = event_type(wire.r#type)?;
    let payload = check::sized("payload", wire.payload.unwrap_or_default())?;
    if payload.is_json() {
        let stands_apart = topic.kind() == Kind::Room && dashboard::has_room(topic.name());
        let reserved = if stands_apart { &[][..] } else { &RESERVED_FIELDS };
        object(&payload, reserved)?;
    }
    Ok(NewEvent { kind: kind.into(), body: Body::Payload(payload) })
}

/// Events of a worker's own.
pub(in crate::service) fn reported(wire: Vec<v1::NewEvent>) -> Result<Vec<Reported>, Status> {
    if wire.len() > limits::REPORT_EVENTS_MAX {
        return Err(invalid("events", "a report has at most 256"));
    }
    within_one_payload(&wire)?;
    let read = |(at, wire)| check::item("events", at, one_reported(wire));
    wire.into_iter().enumerate().map(read).collect()
}

fn one_reported(wire: v1::NewEvent) -> Result<Reported, Status> {
    let kind = event_type(wire.r#type)?;
    let payload = check::sized("payload", wire.payload.unwrap_or_default())?;
    if payload.is_json() {
        object(&payload, &REPORTED_FIELDS)?;
    }
    // Copied out of the message: a small event must not keep a large buffer alive.
    let data = Bytes::copy_from_slice(&payload.data);
    Ok(Reported { kind: kind.into(), payload: Payload { data, ..payload } })
}

fn within_one_payload(events: &[v1::NewEvent]) -> Result<(), Status> {
    let bytes: usize =
        events.iter().filter_map(|event| Some(event.payload.as_ref()?.data.len())).sum();
    if bytes > limits::PAYLOAD_BYTES_MAX {
        return Err(Code::PayloadTooLarge.status("events have at most 1 MiB together"));
    }
    Ok(())
}

fn event_type(kind: String) -> Result<String, Status> {
    let fits = (1..=crate::domain::name::NAME_BYTES_MAX).contains(&kind.len());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if !fits || !kind.bytes().all(is_plain) {
        return Err(invalid("type", "must be [A-Za-z0-9_.:-]{1,128}"));
    }
    let is_ours = OWN_PREFIXES
        .iter()
        .any(|prefix| kind.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', ':'])));
    if is_ours || OWN_NAMES.contains(&kind.as_str()) {
        return Err(invalid("type", "is one of Roomcast's own event names; choose another"));
    }
    if SOCKETIO_NAMES.contains(&kind.as_str()) {
        return Err(invalid("type", "is a name that Socket.IO reserves; choose another"));
    }
    Ok(kind)
}

/// A published JSON text is one object. It leaves the fields free that are delivered beside its own.
fn object(payload: &Payload, reserved: &[&str]) -> Result<(), Status> {
    let fields: HashMap<String, IgnoredAny> = check::parsed("payload", &payload.data)?;
    match reserved.iter().find(|field| fields.contains_key(**field)) {
        Some(field) => Err(invalid("payload", &format!("must not have the field {field}"))),
        None => Ok(()),
    }
}

/// For [`crate::probe`]: an event as its publisher hands it over.
pub(crate) fn probe(wire: v1::NewEvent) -> Option<NewEvent> {
    let topic = topic("probe", "room:probe").ok()?;
    event(wire, &topic).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: &str, data: &'static str) -> v1::NewEvent {
        let data = Bytes::from_static(data.as_bytes());
        let payload = v1::Payload { content_type: "application/json".to_owned(), data };
        v1::NewEvent { r#type: kind.to_owned(), payload: Some(payload) }
    }

    #[test]
    fn a_batch_says_which_of_its_events_is_wrong() {
        let topic = topic("default", "room:lobby").unwrap();
        let refused = |last| events(vec![wire("x", "{}"), last], &topic).unwrap_err();
        assert_eq!(
            refused(wire("x", "[1]")).message(),
            "events[1].payload: must be one JSON object"
        );
        assert!(refused(wire("not one", "{}")).message().starts_with("events[1].type: must be"));
        assert!(events(vec![wire("x", "{}"); 2], &topic).is_ok());
    }
}
