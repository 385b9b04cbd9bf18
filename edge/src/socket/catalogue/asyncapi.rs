//! The catalogue as an AsyncAPI document. What AsyncAPI has no word for stands under `x-socketio`.

use roomcast_proto::dashboard;
use serde_json::{Map, Value, json};

use super::{
    emitted::{EMITTED, Emitted, Takes},
    schema::{self, all_of, reference},
    told::{OTHERS, Other, TOLD, Told},
};
use crate::lane::Namespace;

const INFO: &str = "Live jobs, sessions and rooms for unmodified Socket.IO clients (protocol of Socket.IO 3 and 4). The document \
    describes the edge: it receives what clients emit and sends what they are told.";

/// The description of all that goes over sockets, in AsyncAPI 3.0.
#[must_use]
pub fn description() -> Value {
    let messages: Map<_, _> = emitted().chain(told()).map(|one| (one.key, one.message)).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {"title": "Roomcast over Socket.IO", "version": env!("CARGO_PKG_VERSION"), "description": INFO},
        "defaultContentType": "application/json",
        "servers": {"edge": server()},
        "channels": Namespace::ALL.map(|namespace| (key(namespace).to_owned(), channel(namespace)))
            .into_iter().collect::<Map<_, _>>(),
        "operations": Namespace::ALL.iter().flat_map(|namespace| operations(*namespace)).collect::<Map<_, _>>(),
        "components": {"messages": messages, "schemas": schema::all()},
    })
}

/// A message, and where it goes.
struct Described {
    key: String,
    message: Value,
    /// None where it is in all of them.
    namespace: Option<Namespace>,
}

fn server() -> Value {
    json!({
        "host": "127.0.0.1:8000",
        "protocol": "socket.io",
        "pathname": "/socket.io/",
        "x-socketio": {
            "protocol": 5,
            "transports": ["websocket", "polling"],
            "auth": reference("Handshake"),
            "refusal": "connect_error, whose message begins with a code of docs/ERRORS.md",
        },
    })
}

fn channel(namespace: Namespace) -> Value {
    let messages: Map<_, _> = within(namespace, emitted().chain(told()))
        .map(|key| (key.clone(), json!({"$ref": format!("#/components/messages/{key}")})))
        .collect();
    json!({
        "address": namespace.name(),
        "servers": [{"$ref": "#/servers/edge"}],
        "messages": messages,
        "x-socketio": {"namespace": namespace.name()},
    })
}

/// What goes through a namespace, one operation for each direction.
fn operations(namespace: Namespace) -> [(String, Value); 2] {
    let channel = format!("#/channels/{}", key(namespace));
    let operation = |action: &str, keys: &mut dyn Iterator<Item = String>| {
        let messages: Vec<_> =
            keys.map(|key| json!({"$ref": format!("{channel}/messages/{key}")})).collect();
        json!({"action": action, "channel": {"$ref": channel}, "messages": messages})
    };
    let name = key(namespace);
    [
        (format!("{name}.emitted"), operation("receive", &mut within(namespace, emitted()))),
        (format!("{name}.told"), operation("send", &mut within(namespace, told()))),
    ]
}

fn within(
    namespace: Namespace,
    all: impl Iterator<Item = Described>,
) -> impl Iterator<Item = String> {
    all.filter(move |one| one.namespace.is_none_or(|own| own == namespace)).map(|one| one.key)
}

fn key(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Root => "main",
        Namespace::Graph => "graph",
    }
}

/// What clients emit.
fn emitted() -> impl Iterator<Item = Described> {
    let listed = EMITTED.iter().map(|event| {
        let Emitted { name, does, takes, answers } = event;
        asked(name, does, schema::argument(*takes), answers)
    });
    let dashboard = dashboard::EVENTS.iter().map(|(name, room)| {
        let does = format!(
            "Publish to the room `{room}` of the dashboard; the argument is the event's data."
        );
        asked(name, &does, schema::argument(Takes::Schema("Content")), &["PublishDone"])
    });
    listed.chain(dashboard)
}

fn asked(name: &str, does: &str, payload: Value, answers: &[&str]) -> Described {
    let answers: Vec<_> = answers.iter().chain(&["Refused"]).map(|name| reference(name)).collect();
    let message = json!({
        "name": name,
        "summary": does,
        "payload": payload,
        "x-socketio": {"acknowledgement": {"oneOf": answers}},
    });
    Described { key: name.to_owned(), message, namespace: None }
}

/// What clients are told, under each of its names.
fn told() -> impl Iterator<Item = Described> {
    let listed = TOLD.iter().flat_map(|event| {
        let mut full = said(event, event.name);
        let short = event.short.map(|name| {
            full.namespace = Some(Namespace::Root);
            full.message["x-socketio"] = json!({"graph": name});
            // Some short names are names of what clients emit.
            let key = format!("{}.short", full.key);
            Described { key, namespace: Some(Namespace::Graph), ..said(event, name) }
        });
        std::iter::once(full).chain(short)
    });
    let others = OTHERS.iter().map(|Other { event, topics }| {
        let mut other = said(event, event.name);
        other.message["x-socketio"] = json!({"name": "the event's own type", "topics": topics()});
        other
    });
    listed.chain(others)
}

fn said(event: &Told, name: &str) -> Described {
    let message = json!({"name": name, "summary": event.does, "payload": all_of(event.payload)});
    Described { key: name.replace(':', "."), message, namespace: None }
}
