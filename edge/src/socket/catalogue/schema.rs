//! The schemas of what goes over a socket: of most from the structs that write it, of the rest from
//! here.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::emitted::Takes;
use crate::{departures::Previous, names, socket::payload};

/// Fields of what clients send.
const FIELDS: &[(&str, &str, &str)] = &[
    ("token", "string", "A user's token."),
    ("job_id", "id", "The job."),
    ("user_id", "string", "Whose; the caller's own where it is left out."),
    ("project_id", "id", "The project."),
    ("session_id", "id", "The session."),
    ("room", "id", "The room's name."),
    ("since", "string", "Cursor of the last event that the client has: go on after it."),
    (
        "cursors",
        "cursors",
        "Topics to go on in, each with the cursor of the last event that the client has.",
    ),
    ("type", "string", "The event's type, which is its name at the sockets."),
    ("data", "object", "The event's content."),
    ("dashboard", "boolean", "`false` to do without the dashboard."),
    ("recover", "boolean", "Whether the client uses Socket.IO's connection state recovery."),
    (
        "pid",
        "string",
        "What a client that recovers shows of its last connection; set by the client itself.",
    ),
    (
        "offset",
        "string",
        "The offset of the last event that a client which recovers has; set by the client itself.",
    ),
    (
        "connection_id",
        "string",
        "The `connection_id` of the last `connected`: the next one says why that connection ended.",
    ),
];
/// What stands in `auth`.
pub(super) const HANDSHAKE: Takes = Takes::Perhaps(&[
    "token?",
    "cursors?",
    "session_id?",
    "dashboard?",
    "recover?",
    "pid?",
    "offset?",
    "connection_id?",
]);

/// What the edge itself tells.
#[derive(Debug, OpenApi)]
#[openapi(components(schemas(
    Previous,
    payload::Authenticated,
    payload::Closing,
    payload::Connected<'_>,
    payload::Done,
    payload::ErrorEvent<'_>,
    payload::JobUnsubscribed<'_>,
    payload::Joined<'_>,
    payload::JoinedView<'_>,
    payload::NackError<'_>,
    payload::Pong,
    payload::PongAck<'_>,
    payload::Published<'_>,
    payload::Recovering,
    payload::TokenExpiring,
)))]
struct Described;

/// All named schemas.
pub(super) fn all() -> Map<String, Value> {
    let mut schemas = Map::new();
    for document in [names::Described::openapi(), Described::openapi()] {
        if let Ok(Value::Object(described)) =
            serde_json::to_value(document.components.map(|all| all.schemas))
        {
            schemas.extend(described);
        }
    }
    // What tells an acknowledgement from a refusal.
    for ok in schemas.values_mut().filter_map(|schema| schema.pointer_mut("/properties/ok")) {
        *ok = json!({"const": true});
    }
    schemas.extend(own());
    schemas
}

fn own() -> [(String, Value); 12] {
    let state = |name: &str, is: Value| json!({"type": "object", "properties": {name: is}, "required": [name]});
    let list = |item: Value| json!({"type": "array", "items": item});
    let job = all_of(&["JobStatus", "Envelope"]);
    let session = all_of(&["SessionSnapshot", "StatePart", "Envelope"]);
    let text = |what: &str| json!({"type": "string", "description": what});
    let mut handshake = argument(HANDSHAKE);
    handshake["description"] = json!("What a client gives as `auth` when it connects.");
    handshake["properties"]["session_id"]["description"] = json!("A session to join at once.");
    [
        ("Handshake", handshake),
        ("Content", json!({"type": "object", "additionalProperties": true, "description": "A publisher's or worker's own JSON object; another content type comes as `{content_type, data_base64}`."})),
        ("InSession", json!({"type": "object", "description": "Which session an event is of.",
            "properties": {"session_id": text("The session.")}, "required": ["session_id"]})),
        ("InRoom", json!({"type": "object", "description": "Which room an event is of.",
            "properties": {"room": text("The room's name.")}, "required": ["room"]})),
        ("Act", json!({"type": "object", "description": "What an operator did.", "properties": {
            "act": text("Its name, once more, such as `audit.user.disable`."),
            "target": text("What it was done to, such as `user:eve`."),
            "by": text("Who did it."),
            "outcome": {"type": "string", "enum": ["done", "refused"], "description": "What it came to."},
            "code": text("Why it was refused."),
            "from": text("The caller's address, as the edge saw it."),
        }, "required": ["act", "target", "by", "outcome"]})),
        ("ClosedBy", json!({"type": "object", "description": "Who closed a session.",
            "properties": {"user_id": text("The user.")}, "required": ["user_id"]})),
        ("StatePart", json!({"type": "object", "description": "Which part of the state this is: each has some of the nodes and links.",
            "properties": {"part": {"type": "integer", "minimum": 1, "description": "This one."}, "parts": {"type": "integer", "minimum": 1, "description": "Of how many."}}, "required": ["part", "parts"]})),
        ("CommandDone", done("Performed")),
        ("PublishDone", done("Published")),
        ("Refused", json!({"type": "object", "description": "Acknowledges what was not done.",
            "properties": {"ok": {"const": false}, "error": reference("Fault")}, "required": ["ok", "error"]})),
        ("LastEvent", json!({"type": "object", "description": "The last event of its name in a room.", "properties": {
            "type": text("The name under which it comes by itself."),
            "event_id": text("Unique name: the same as in `data`."),
            "data": all_of(&["Content", "Envelope"]),
        }, "required": ["type", "event_id", "data"]})),
        ("Reset", json!({"type": "object", "description": "A topic anew.", "properties": {
            "reason": {"type": "string", "enum": ["trimmed", "forked", "ahead"], "description": "`trimmed`: the cursor lies before what is kept. `forked`: it is of another history. `ahead`: it lies after the log's end."},
            "snapshot": {"description": "The topic as it stands, in the words of its kind. Of a session in several parts it is the first.",
                "oneOf": [{"type": "null"}, state("job", job.clone()), state("jobs", list(job)), state("events", list(reference("LastEvent"))), state("session", session)]},
        }, "required": ["reason", "snapshot"]})),
    ].map(|(name, schema)| (name.to_owned(), schema))
}

/// The acknowledgement of what is durable.
fn done(answer: &str) -> Value {
    let ok = json!({"type": "object", "properties": {"ok": {"const": true}}, "required": ["ok"]});
    json!({"description": "Acknowledges what is durable.", "allOf": [ok, reference(answer)]})
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// All of these together.
pub(super) fn all_of(names: &[&str]) -> Value {
    match names {
        [one] => reference(one),
        several => json!({"allOf": several.iter().map(|name| reference(name)).collect::<Vec<_>>()}),
    }
}

/// An event's argument.
pub(super) fn argument(takes: Takes) -> Value {
    match takes {
        Takes::Nothing => json!({"type": "null"}),
        Takes::Fields(fields) => object(fields),
        Takes::Perhaps(fields) => {
            let mut schema = object(fields);
            schema["type"] = json!(["object", "null"]);
            schema
        }
        Takes::Schema(name) => reference(name),
    }
}

/// Those with a question mark may be left out.
fn object(fields: &[&str]) -> Value {
    let name = |field: &str| field.trim_end_matches('?').to_owned();
    let properties: Map<_, _> =
        fields.iter().map(|field| (name(field), self::field(&name(field)))).collect();
    let required: Vec<_> =
        fields.iter().filter(|field| !field.ends_with('?')).map(|field| name(field)).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn field(name: &str) -> Value {
    let known = FIELDS.iter().find(|(field, ..)| *field == name);
    let (_, kind, what) = known.copied().unwrap_or_default();
    match kind {
        "id" => {
            json!({"type": ["string", "integer"], "pattern": "^[A-Za-z0-9_.-]{1,128}$", "description": what})
        }
        "cursors" => {
            json!({"type": "object", "additionalProperties": {"type": "string"}, "description": what})
        }
        kind => json!({"type": kind, "description": what}),
    }
}
