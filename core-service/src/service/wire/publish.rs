//! What is published.

use std::collections::HashMap;

use roomcast_proto::registry::Code;
use roomcast_proto::{dashboard, v1};
use serde::de::IgnoredAny;
use tonic::Status;

use super::check::{self, invalid};
use crate::domain::event::{Body, NewEvent};
use crate::domain::limits;
use crate::domain::payload::Payload;
use crate::domain::topic::{Kind, Topic};

/// Fields of every delivered payload, which a publisher's object must not have.
const RESERVED_FIELDS: [&str; 5] = ["topic", "cursor", "event_id", "trace_id", "timestamp"];

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
    let bytes: usize =
        wire.iter().filter_map(|event| Some(event.payload.as_ref()?.data.len())).sum();
    if bytes > limits::PAYLOAD_BYTES_MAX {
        return Err(Code::PayloadTooLarge.status("a batch has at most 1 MiB"));
    }
    wire.into_iter().map(|wire| event(wire, topic)).collect()
}

pub(in crate::service) fn event(wire: v1::NewEvent, topic: &Topic) -> Result<NewEvent, Status> {
    let kind = event_type(wire.r#type)?;
    let payload = check::sized("payload", wire.payload.unwrap_or_default())?;
    if payload.is_json() {
        let stands_apart = topic.kind() == Kind::Room && dashboard::has_room(topic.name());
        object(&payload, stands_apart)?;
    }
    Ok(NewEvent { kind: kind.into(), body: Body::Payload(payload) })
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

/// A published JSON text is one object. It leaves the envelope's fields free, unless it is delivered apart
/// from them.
fn object(payload: &Payload, stands_apart: bool) -> Result<(), Status> {
    let fields: HashMap<String, IgnoredAny> = check::parsed("payload", &payload.data)?;
    match RESERVED_FIELDS.iter().find(|field| fields.contains_key(**field)) {
        Some(field) if !stands_apart => {
            Err(invalid("payload", &format!("must not have the field {field}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// For [`crate::probe`]: an event as its publisher hands it over.
pub(crate) fn probe(wire: v1::NewEvent) -> Option<NewEvent> {
    let topic = topic("probe", "room:probe").ok()?;
    event(wire, &topic).ok()
}
