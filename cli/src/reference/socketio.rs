//! socketio.md: every event of a socket, from the description that the edge makes of them.

use serde_json::Value;

use super::markdown::{code, line, table};
use super::schema::{self, array, kind};

const HEAD: &str = "\
# Socket.IO

Every event that goes over a socket, as [`asyncapi.yaml`](asyncapi.yaml) describes it: an AsyncAPI 3.0 document in
which `x-socketio` says what AsyncAPI has no word for. Unmodified clients of Socket.IO 3 and 4, path `/socket.io/`,
WebSocket and polling, namespaces `/` and `/graph`. [The protocol](../PROTOCOL.md#socketio) says in which order things
come and what they promise.

An event takes one object and an optional acknowledgement. What is not done is acknowledged with [`Refused`](#refused),
or told as the event `error` where nobody waits for an acknowledgement; [the errors](../ERRORS.md) have each code.

";

pub(super) fn page(document: &Value) -> String {
    let told = array(&document["operations"]["main.told"]["messages"]);
    let (of_topics, of_socket): (Vec<_>, Vec<_>) =
        told.iter().map(|one| message(document, one)).partition(|one| is_of_topic(one));
    let of_topics = of_topics.into_iter().map(self::of_topic);
    let of_topics = table(["event", "on `/graph`", "payload", "when"], of_topics);
    let of_socket = table(["event", "payload", "when"], of_socket.into_iter().map(self::told));
    let emitted = &document["operations"]["main.emitted"]["messages"];
    let emitted = array(emitted).iter().map(|one| self::emitted(message(document, one)));
    let emitted = table(["event", "takes", "acknowledged with", "does"], emitted);
    let schemas = schema::sections(document);
    let page = format!(
        "{HEAD}## Connecting\n\nWhat a client gives as `auth`, of each namespace, is a [`Handshake`](#handshake). A \
         refused connection gets `connect_error`, whose message begins with a code.\n\n\
         ## What clients emit\n\n{emitted}## What clients are told\n\nOf the socket itself:\n\n{of_socket}\
         Of what it follows. All of these have the fields of [`Envelope`](#envelope) beside their own; the last four \
         stand for events whose names their publishers and workers choose.\n\n{of_topics}## Payloads\n\n{schemas}"
    );
    format!("{}\n", page.trim_end())
}

/// What an operation's reference leads to.
fn message<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let key = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    &document["components"]["messages"][key.unwrap_or_default()]
}

fn emitted(message: &Value) -> [String; 4] {
    let answers = array(&message["x-socketio"]["acknowledgement"]["oneOf"]).iter().map(kind);
    let answers = answers.filter(|answer| !answer.contains("Refused"));
    let takes = match kind(&message["payload"]) {
        null if null == "null" => "nothing".to_owned(),
        takes => takes,
    };
    [
        code(text(message, "name")),
        takes,
        answers.collect::<Vec<_>>().join(" or "),
        line(text(message, "summary")),
    ]
}

fn is_of_topic(message: &Value) -> bool {
    array(&message["payload"]["allOf"]).iter().any(is_envelope)
}

fn is_envelope(schema: &Value) -> bool {
    schema["$ref"].as_str().is_some_and(|path| path.ends_with("/Envelope"))
}

/// What is told of a topic, without the envelope that all of it has.
fn of_topic(message: &Value) -> [String; 4] {
    let own = &message["x-socketio"];
    let short = own["graph"].as_str().map(code).unwrap_or_default();
    let parts = array(&message["payload"]["allOf"]).iter().filter(|part| !is_envelope(part));
    let payload = parts.map(kind).collect::<Vec<_>>().join(", ");
    let [name, _, when] = told(message);
    let name = own["name"].as_str().map_or(name, |any| format!("*{any}*"));
    [name, short, payload, when]
}

fn told(message: &Value) -> [String; 3] {
    [code(text(message, "name")), kind(&message["payload"]), line(text(message, "summary"))]
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_its_row() {
        let page = page(&roomcast_edge::socket::description());
        for row in [
            "| `join_job` | `{job_id, since?}` | [`Joined`](#joined) | Follow a job",
            "| `execute_command` | [`NewCommand`](#newcommand) | [`CommandDone`](#commanddone) |",
            "| `ping` | nothing | [`PongAck`](#pongack) |",
            "| `pong` | [`Pong`](#pong) | The answer",
            "| `graph:node-created` | `node-created` | [`InSession`](#insession), [`Change`](#change) |",
            "| `job_update` |  | [`JobUpdate`](#jobupdate) |",
        ] {
            assert!(page.contains(row), "{row} is not in {page}");
        }
    }
}
