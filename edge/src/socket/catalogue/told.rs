//! What clients are told.

use roomcast_proto::dashboard;

/// An event to a client.
pub(super) struct Told {
    pub(super) name: &'static str,
    /// What namespace `/graph` calls it, if something else.
    pub(super) short: Option<&'static str>,
    pub(super) does: &'static str,
    /// The schemas that its payload has all together.
    pub(super) payload: &'static [&'static str],
}

impl Told {
    /// Of the edge's own.
    const fn edge(
        name: &'static str,
        does: &'static str,
        payload: &'static [&'static str],
    ) -> Self {
        Self { name, short: None, does, payload }
    }

    /// Of a session's log.
    const fn session(
        (name, short): (&'static str, &'static str),
        does: &'static str,
        payload: &'static [&'static str],
    ) -> Self {
        Self { name, short: Some(short), does, payload }
    }
}

const CHANGE: &[&str] = &["InSession", "Change", "Envelope"];
const COMMAND: &[&str] = &["InSession", "CommandProgress", "Envelope"];
const PRESENCE: &[&str] = &["InSession", "PresenceChange", "Envelope"];
const SAVE: &[&str] = &["InSession", "SaveKept", "Envelope"];

pub(super) const TOLD: &[Told] = &[
    Told::edge("connected", "The first event of a socket: who it is.", &["Connected"]),
    Told::edge("job_update", "A job changed.", &["JobUpdate", "Envelope"]),
    Told::edge("job_output", "A job's worker wrote output.", &["JobOutput", "Envelope"]),
    Told::edge(
        "token_usage",
        "A job used a model, all attempts together.",
        &["TokenUsage", "Envelope"],
    ),
    Told::edge(
        "job_status",
        "How a job stands: at a join, and as a line of a list that changed.",
        &["JobStatus", "Envelope"],
    ),
    Told::edge("job_unsubscribed", "A job is no longer followed.", &["JobUnsubscribed"]),
    Told::edge(
        "session_state",
        "How a session stands, at a join. A large one comes in several parts; the last has the cursor.",
        &["SessionSnapshot", "StatePart", "Envelope"],
    ),
    Told::session(("graph:node-created", "node-created"), "A node came to be.", CHANGE),
    Told::session(("graph:node-deleted", "node-deleted"), "A node is gone.", CHANGE),
    Told::session(("graph:node-linked", "node-linked"), "A node lies below another.", CHANGE),
    Told::session(("graph:node-unlinked", "node-unlinked"), "It does so no longer.", CHANGE),
    Told::session(
        ("graph:property-changed", "property-changed"),
        "A property has a new value.",
        CHANGE,
    ),
    Told::session(("graph:property-deleted", "property-deleted"), "A property is gone.", CHANGE),
    Told::session(
        ("command:executing", "command-executing"),
        "A command begins; what it changes follows.",
        COMMAND,
    ),
    Told::session(("command:executed", "command-executed"), "A command is done.", COMMAND),
    Told::session(("command:failed", "command-failed"), "The graph refused a command.", COMMAND),
    Told::session(("command:undo", "undo"), "A command was taken back.", COMMAND),
    Told::session(("command:redo", "redo"), "A command was done again.", COMMAND),
    Told::session(
        ("session:connected", "session-connected"),
        "A user is there on more connections.",
        PRESENCE,
    ),
    Told::session(
        ("session:disconnected", "session-disconnected"),
        "A user is there on fewer connections; on none, the user has gone.",
        PRESENCE,
    ),
    Told::session(
        ("session:presence", "session-presence"),
        "How many users are there, where they are too many to be named.",
        &["InSession", "PresenceCount", "Envelope"],
    ),
    Told::session(
        ("session:closed", "session-closed"),
        "The session was closed. Its last event.",
        &["InSession", "ClosedBy", "Envelope"],
    ),
    Told::session(("project:saved", "project-saved"), "The graph was saved.", SAVE),
    Told::session(("project:loaded", "project-loaded"), "The graph was replaced by a save.", SAVE),
    Told::edge(
        "presence",
        "Who is in a room that is declared with `presence`.",
        &["InRoom", "PresenceCount", "Envelope"],
    ),
    Told::edge(
        "reset",
        "Events of a topic were missed for good; what follows builds on the snapshot.",
        &["Reset", "Envelope"],
    ),
    Told::edge("pong", "The answer to a `ping` without an acknowledgement.", &["Pong"]),
    Told::edge("error", "What failed, where nobody waits for an acknowledgement.", &["Error"]),
    Told::edge(
        "recovery",
        "Brings an offset to a client that recovers, where no other event does.",
        &["Recovering"],
    ),
    Told::edge(
        "token_expiring",
        "The token's time is over soon: emit `authenticate`.",
        &["TokenExpiring"],
    ),
    Told::edge("closing", "The edge is about to end the socket.", &["Closing"]),
];

/// Events under names that others choose.
pub(super) struct Other {
    pub(super) event: Told,
    /// The topics that have them: by name, or all of a kind.
    pub(super) topics: fn() -> Vec<String>,
}

pub(super) const OTHERS: &[Other] = &[
    Other {
        event: Told::edge(
            "published",
            "Any event that is published to a room or a user, under its own name: the published object, and the envelope.",
            &["Content", "Envelope"],
        ),
        topics: || kinds(&["room", "user"]),
    },
    Other {
        event: Told::edge(
            "dashboard_message",
            "The same in the dashboard's rooms, where what was published stands under `data`.",
            &["DashboardMessage", "Envelope"],
        ),
        topics: || dashboard::rooms().map(|room| format!("room:{room}")).collect(),
    },
    Other {
        event: Told::edge(
            "reported",
            "Any event that a job's worker names itself: its object after the job that it is of.",
            &["OfJob", "Content", "Envelope"],
        ),
        topics: || kinds(&["job", "project"]),
    },
    Other {
        event: Told::edge(
            "act",
            "What an operator did, under the act's own name.",
            &["Act", "Envelope"],
        ),
        topics: || vec!["audit:log".to_owned()],
    },
];

fn kinds(kinds: &[&str]) -> Vec<String> {
    kinds.iter().map(|kind| format!("{kind}:")).collect()
}
