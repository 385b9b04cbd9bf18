//! Idempotency keys: what the first request with a key came to.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::failure::Failure;
use super::row::{self, signed};
use crate::domain::cursor::Cursor;
use crate::store::codec;
use crate::store::commit::{Committed, Idempotency, Refusal, job_topic};

/// What is kept of an outcome: enough to answer again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// Events of one commit follow each other and share a stamp.
    Published { after: u64, count: u64, stamp: u32 },
    /// The job answers as it stands by then.
    Job { job_id: String },
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
