//! What clients emit.

/// An event from a client.
pub(super) struct Emitted {
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    pub(super) takes: Takes,
    /// The schemas of the acknowledgement when it is done, one of which it has.
    pub(super) answers: &'static [&'static str],
}

/// The one argument of an event.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    /// An object of these fields; those with a question mark may be left out.
    Fields(&'static [&'static str]),
    /// The same, and the whole object may be left out.
    Perhaps(&'static [&'static str]),
    /// An object of this schema.
    Schema(&'static str),
}

use Takes::{Fields, Nothing, Perhaps, Schema};

/// Beside those of the dashboard, which have its data as their argument.
pub(super) const EMITTED: &[Emitted] = &[
    Emitted {
        name: "join_job",
        does: "Follow a job: `job_status` unless it resumes, then every event.",
        takes: Fields(&["job_id", "since?"]),
        answers: &["Joined"],
    },
    Emitted {
        name: "leave_job",
        does: "Follow it no longer; `job_unsubscribed` says so too.",
        takes: Fields(&["job_id"]),
        answers: &["Done"],
    },
    Emitted {
        name: "subscribe_jobs",
        does: "Follow a list of jobs, the caller's own, or for the roles `admin` and `auditor` another user's: a `job_status` for each, then for every change.",
        takes: Perhaps(&["user_id?", "since?"]),
        answers: &["Joined"],
    },
    Emitted {
        name: "unsubscribe_jobs",
        does: "Follow it no longer.",
        takes: Perhaps(&["user_id?"]),
        answers: &["Done"],
    },
    Emitted {
        name: "subscribe",
        does: "Follow a project's jobs, what they use and what their workers tell.",
        takes: Fields(&["project_id", "since?"]),
        answers: &["Joined"],
    },
    Emitted {
        name: "unsubscribe",
        does: "Follow it no longer.",
        takes: Fields(&["project_id"]),
        answers: &["Done"],
    },
    Emitted {
        name: "join_room",
        does: "Follow a declared room: its last values where it is declared with `last`, then what is published. The room `dashboard` is a view of several, which takes `cursors` instead of `since`.",
        takes: Fields(&["room", "since?", "cursors?"]),
        answers: &["Joined", "JoinedView"],
    },
    Emitted {
        name: "leave_room",
        does: "Follow it no longer.",
        takes: Fields(&["room"]),
        answers: &["Done"],
    },
    Emitted {
        name: "join_session",
        does: "Follow a session: `session_state` unless it resumes, then every event.",
        takes: Fields(&["session_id", "since?"]),
        answers: &["Joined"],
    },
    Emitted {
        name: "leave_session",
        does: "Follow it no longer.",
        takes: Fields(&["session_id"]),
        answers: &["Done"],
    },
    Emitted {
        name: "execute_command",
        does: "Change a session's graph. Acknowledged once it is durable.",
        takes: Schema("NewCommand"),
        answers: &["CommandDone"],
    },
    Emitted {
        name: "undo",
        does: "Take the graph's last command back.",
        takes: Schema("HistoryStep"),
        answers: &["CommandDone"],
    },
    Emitted {
        name: "redo",
        does: "Do the command again that was taken back last.",
        takes: Schema("HistoryStep"),
        answers: &["CommandDone"],
    },
    Emitted {
        name: "subscribe_audit",
        does: "Follow what operators did, `audit:log`; for the roles `admin` and `auditor`.",
        takes: Perhaps(&["since?"]),
        answers: &["Joined"],
    },
    Emitted {
        name: "unsubscribe_audit",
        does: "Follow it no longer.",
        takes: Nothing,
        answers: &["Done"],
    },
    Emitted {
        name: "publish",
        does: "Publish an event to a room whose declaration lets the caller. Acknowledged once it is durable.",
        takes: Fields(&["room", "type", "data"]),
        answers: &["PublishDone"],
    },
    Emitted {
        name: "authenticate",
        does: "Go on under a fresh token of the same user.",
        takes: Fields(&["token"]),
        answers: &["Authenticated"],
    },
    Emitted {
        name: "ping",
        does: "Ask whether the edge answers: `pong` without an acknowledgement.",
        takes: Nothing,
        answers: &["PongAck"],
    },
];
