//! Idempotency keys: what the first request with a key came to.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::failure::Failure;
use super::row::{self, signed};
use super::{project, session as sessions};
use crate::domain::cursor::Cursor;
use crate::domain::project::Project;
use crate::domain::session::Session;
use crate::store::codec;
use crate::store::commit::{Committed, Idempotency, Refusal, job_topic};
use crate::store::session::{self, Outcome};

/// What is kept of an outcome: enough to answer again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// Events of one commit follow each other and share a stamp.
    Published { after: u64, count: u64, stamp: u32 },
    /// The job answers as it stands by then.
    Job { job_id: String },
    /// A project answers as it stands by then.
    Project { project_id: String },
    /// So does a session.
    Session { session_id: String },
    /// Events of one session's topic that follow each other.
    Events { session_id: String, after: u64, count: u64 },
    /// There is nothing to say.
    Done,
}

/// The outcome of the first request with the key, if there was one that is not yet forgotten. Sees
/// the commands before this one in the same batch, since they are written.
pub(super) fn lookup(
    batch: &mut Batch<'_>,
    asked: &Idempotency,
) -> Result<Option<Committed>, Failure> {
    let found = batch
        .connection
        .prepare_cached(
            "SELECT content, reply, expires_at FROM idempotency WHERE scope = ?1 AND key = ?2",
        )?
        .query_row([&asked.scope, &asked.key], |found| {
            Ok((found.get::<_, [u8; 32]>(0)?, found.get::<_, String>(1)?, row::unsigned(found, 2)?))
        })
        .optional()?;
    let Some((content, reply, expires_at)) = found else { return Ok(None) };
    if expires_at <= batch.now.0 {
        return Ok(None);
    }
    if content != asked.content {
        return Err(Refusal::IdempotencyMismatch.into());
    }
    Ok(Some(match codec::from_json(reply.as_bytes())? {
        Reply::Published { after, count, stamp } => {
            let cursors = (1..=count).map(|n| Cursor { offset: after + n, stamp }).collect();
            Committed::Published { cursors, is_replay: true }
        }
        Reply::Job { job_id } => {
            let held = batch.memory.records.get(batch.connection, &job_id)?;
            let record = held.ok_or(Refusal::JobNotFound(job_id))?.record;
            let cursor = match job_topic(&record.job) {
                Ok(topic) => batch.memory.heads.get(batch.connection, &topic)?.cursor,
                Err(_) => Cursor::START,
            };
            Committed::Job { record, cursor, is_replay: true }
        }
        Reply::Project { project_id } => {
            let project = project::get(batch.connection, &project_id)?;
            let project = project.ok_or(session::Refusal::ProjectNotFound(project_id))?;
            Committed::Session { outcome: Outcome::Project(project), is_replay: true }
        }
        Reply::Session { session_id } => {
            let held = sessions::get(batch.connection, &session_id)?;
            let held = held.ok_or(session::Refusal::SessionNotFound(session_id))?;
            Committed::Session { outcome: Outcome::Session(held.session), is_replay: true }
        }
        Reply::Events { session_id, after, count } => {
            // What is read must be what this batch has written.
            batch.memory.heads.flush(batch.connection)?;
            let events = sessions::events(batch.connection, session_id, after, count)?;
            Committed::Session { outcome: Outcome::Events(events), is_replay: true }
        }
        Reply::Done => Committed::Session { outcome: Outcome::Done, is_replay: true },
    }))
}

/// Writes a key and the outcome it stands for.
pub(super) fn remember(
    connection: &Connection,
    new: &Idempotency,
    outcome: &Committed,
) -> Result<(), Failure> {
    let reply = match outcome {
        Committed::Published { cursors, .. } => Reply::Published {
            after: cursors.first().map_or(0, |first| first.offset - 1),
            count: cursors.len() as u64,
            stamp: cursors.first().map_or(0, |first| first.stamp),
        },
        Committed::Job { record, .. } => Reply::Job { job_id: record.job.spec.id.clone() },
        // What it does to an entry is the same however often it is done.
        Committed::Access { .. } => return Ok(()),
        Committed::Session { outcome, .. } => match outcome {
            Outcome::Project(Project { project_id, .. }) => {
                Reply::Project { project_id: project_id.clone() }
            }
            Outcome::Session(Session { session_id, .. }) => {
                Reply::Session { session_id: session_id.clone() }
            }
            Outcome::Events(events) => match events.first() {
                Some(first) => Reply::Events {
                    session_id: first.topic.name().to_owned(),
                    after: first.cursor.offset - 1,
                    count: events.len() as u64,
                },
                None => Reply::Done,
            },
            Outcome::Done => Reply::Done,
        },
    };
    let reply = serde_json::to_string(&reply)
        .map_err(|error| Failure::Broken(crate::store::Error::Damaged(error.to_string())))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO idempotency VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![new.scope, new.key, new.content, reply, signed(new.expires_at.0)])?;
    Ok(())
}

/// Deletes keys that are past their time.
pub(super) fn forget(connection: &Connection, now: u64, limit: usize) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM idempotency WHERE (scope, key) IN
         (SELECT scope, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(statement.execute(params![signed(now), limit as i64])?)
}
