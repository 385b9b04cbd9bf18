//! The audit log: a structured line for every command that was given, undone or done again, for saves
//! and loads, and for sessions that were closed. Who, what, when, and how it ended; never a value.

use super::Observer;
use crate::domain::event::{Body, Event};
use crate::domain::session::{Event as Fact, Kept, Progress, Status};
use crate::domain::topic::Kind;

/// An observer that writes the audit log to target `roomcast::audit`, level `info`.
#[must_use]
pub fn audit() -> Observer {
    Observer::new("audit", write).missing(|count| {
        tracing::error!(target: "roomcast::audit", count, "audit records are missing; see the log");
    })
}

fn write(event: &Event) {
    if event.topic.kind() != Kind::Session {
        return;
    }
    let Body::Session(fact) = &event.body else { return };
    match &**fact {
        Fact::Command(progress) => command(event, progress),
        Fact::Kept(kept) => keeping(event, kept),
        Fact::Closed { by } => tracing::info!(
            target: "roomcast::audit",
            tenant = event.topic.tenant(),
            session = event.topic.name(),
            event_id = event.id(),
            user = by,
            "session closed"
        ),
        Fact::Changed { .. } | Fact::Presence(_) => {}
    }
}

fn command(event: &Event, progress: &Progress) {
    let (outcome, error) = match &progress.status {
        Status::Executing => return,
        Status::Executed => ("executed", ""),
        Status::Failed(refusal) => ("failed", crate::error::graph_code(refusal).as_str()),
        Status::Undone => ("undone", ""),
        Status::Redone => ("redone", ""),
    };
    tracing::info!(
        target: "roomcast::audit",
        tenant = event.topic.tenant(),
        session = event.topic.name(),
        event_id = event.id(),
        user = progress.by,
        graph = progress.graph,
        command = progress.command_id,
        kind = progress.command_type,
        version = progress.version,
        outcome,
        error,
        "command"
    );
}

fn keeping(event: &Event, kept: &Kept) {
    tracing::info!(
        target: "roomcast::audit",
        tenant = event.topic.tenant(),
        session = event.topic.name(),
        event_id = event.id(),
        user = kept.by,
        graph = kept.graph,
        save = kept.name,
        save_version = kept.version,
        version = kept.graph_version,
        outcome = if kept.is_load { "loaded" } else { "saved" },
        "save"
    );
}
