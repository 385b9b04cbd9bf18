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
    let told = told.iter().map(|one| self::told(message(document, one)));
    let told = table(["event", "on `/graph`", "payload", "when"], told);
    let emitted = &document["operations"]["main.emitted"]["messages"];
    let emitted = array(emitted).iter().map(|one| self::emitted(message(document, one)));
    let emitted = table(["event", "takes", "acknowledged with", "does"], emitted);
    let schemas = schema::sections(document);
    let page = format!(
        "{HEAD}## Connecting\n\nWhat a client gives as `auth`, of each namespace, is a [`Handshake`](#handshake). A \
         refused connection gets `connect_error`, whose message begins with a code.\n\n\
         ## What clients emit\n\n{emitted}## What clients are told\n\nThe last three stand for events whose \
         names their publishers and workers choose.\n\n{told}## Payloads\n\nA field with `?` may be left out, or is left out.\n\n{schemas}"
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

fn told(message: &Value) -> [String; 4] {
    let own = &message["x-socketio"];
    let name = match own["name"].as_str() {
        Some(any) => format!("*{any}*"),
        None => code(text(message, "name")),
    };
    let short = own["graph"].as_str().map(code).unwrap_or_default();
    [name, short, kind(&message["payload"]), line(text(message, "summary"))]
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
            "| `graph:node-created` | `node-created` | [`InSession`](#insession) with [`Change`](#change) with [`Envelope`](#envelope) |",
            "| `job_update` |  | [`JobUpdate`](#jobupdate) with [`Envelope`](#envelope) |",
        ] {
            assert!(page.contains(row), "{row} is not in {page}");
        }
    }
}
