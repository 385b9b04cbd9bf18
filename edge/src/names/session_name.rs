//! What a session's events are called: in full on `/`, in short on `/graph`.

use super::Body;

/// The body of an event of this type in the log.
pub(super) fn body(event_type: &str, object: String) -> Body {
    let word = event_type.replace('_', "-");
    let Some((noun, verb)) = word.split_once('.') else { return Body::plain(word, object) };
    let short = match (noun, verb) {
        ("graph", _) | ("command", "undo" | "redo") => verb.to_owned(),
        _ => format!("{noun}-{verb}"),
    };
    Body { name: format!("{noun}:{verb}").into(), short: Some(short.into()), object }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_a_session_has_its_two_names() {
        for (event_type, name, short) in [
            ("graph.node_created", "graph:node-created", "node-created"),
            ("graph.node_deleted", "graph:node-deleted", "node-deleted"),
            ("graph.node_linked", "graph:node-linked", "node-linked"),
            ("graph.node_unlinked", "graph:node-unlinked", "node-unlinked"),
            ("graph.property_changed", "graph:property-changed", "property-changed"),
            ("graph.property_deleted", "graph:property-deleted", "property-deleted"),
            ("command.executing", "command:executing", "command-executing"),
            ("command.executed", "command:executed", "command-executed"),
            ("command.failed", "command:failed", "command-failed"),
            ("command.undo", "command:undo", "undo"),
            ("command.redo", "command:redo", "redo"),
            ("session.connected", "session:connected", "session-connected"),
            ("session.disconnected", "session:disconnected", "session-disconnected"),
            ("session.presence", "session:presence", "session-presence"),
            ("session.closed", "session:closed", "session-closed"),
            ("project.saved", "project:saved", "project-saved"),
            ("project.loaded", "project:loaded", "project-loaded"),
        ] {
            let body = body(event_type, String::new());
            assert_eq!((&*body.name, body.short.as_deref()), (name, Some(short)));
        }
    }
}
