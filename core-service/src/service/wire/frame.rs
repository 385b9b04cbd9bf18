//! What subscribers are told.

use roomcast_proto::v1;
use tonic::Status;

use super::event::{event, summary};
use super::job::job;
use super::session;
use crate::domain::cursor::{Cursor, NotACursor, Resume};
use crate::domain::topic::Topic;
use crate::snapshot::{Snapshot, State};
use crate::subscription::Start;

/// Where a reader with this cursor text begins.
pub(in crate::service) fn start(since: &str, topic: &Topic) -> Result<Start, Status> {
    if since.is_empty() {
        return Ok(Start::Snapshot);
    }
    match Cursor::parse(since, topic) {
        Ok(cursor) => Ok(Start::After(cursor)),
        Err(NotACursor::Foreign) => Ok(Start::Reset(Resume::Forked)),
        Err(error @ NotACursor::Malformed) => {
            Err(super::check::invalid("since", &error.to_string()))
        }
    }
}

pub(in crate::service) fn reset(reason: Resume, cursor: Cursor, topic: &Topic) -> v1::Reset {
    let reason = match reason {
        Resume::Whole => v1::ResetReason::Unspecified,
        Resume::Trimmed => v1::ResetReason::Trimmed,
        Resume::Forked => v1::ResetReason::Forked,
        Resume::Ahead => v1::ResetReason::Ahead,
    };
    v1::Reset { reason: reason.into(), cursor: cursor.token(topic), offset: cursor.offset }
}

pub(in crate::service) fn closed(
    reason: v1::CloseReason,
    cursor: Cursor,
    topic: &Topic,
) -> v1::Closed {
    v1::Closed { reason: reason.into(), cursor: cursor.token(topic) }
}

pub(in crate::service) fn topic_snapshot(snapshot: &Snapshot, topic: &Topic) -> v1::TopicSnapshot {
    v1::TopicSnapshot { cursor: snapshot.cursor.token(topic), state: state(snapshot) }
}

pub(in crate::service) fn join_snapshot(
    snapshot: &Snapshot,
) -> Option<v1::join_response::Snapshot> {
    use v1::join_response::Snapshot as Wire;
    use v1::topic_snapshot::State as Known;
    state(snapshot).map(|state| match state {
        Known::Job(job) => Wire::Job(job),
        Known::Jobs(jobs) => Wire::Jobs(jobs),
        Known::LastValues(values) => Wire::LastValues(values),
        Known::Session(session) => Wire::Session(session),
    })
}

fn state(snapshot: &Snapshot) -> Option<v1::topic_snapshot::State> {
    use v1::topic_snapshot::State as Wire;
    match &snapshot.state {
        State::Job(stored) => stored.as_ref().map(|stored| Wire::Job(job(stored))),
        State::Jobs(lines) => {
            Some(Wire::Jobs(v1::JobList { jobs: lines.iter().map(summary).collect() }))
        }
        State::Session(known) => {
            let session = known.as_ref().map(|known| session::snapshot(&known.state, known.cursor));
            session.map(Wire::Session)
        }
        State::LastValues(events) => {
            Some(Wire::LastValues(v1::LastValues { events: events.iter().map(event).collect() }))
        }
    }
}
