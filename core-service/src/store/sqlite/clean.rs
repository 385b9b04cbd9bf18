//! Deleting what is past its retention, in small steps inside the writer's batches.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::chain::{self, Chain};
use super::failure::Failure;
use super::output;
use super::row::{self, kind_number, signed};
use super::rows::Rows;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::sql::{access, copy};
use crate::store::sweep::{Left, STEP_ROWS, is_past};
use crate::store::{CleanBudget, Cleaned, Error};

/// Cleans within the budget: keys not after `until`, and then the rest, for which there is the time of the
/// budget anew.
pub(super) fn clean(
    rows: &mut Rows<'_>,
    budget: CleanBudget,
    until: Instant,
) -> Result<Cleaned, Failure> {
    let mut left = Left::new(budget, Some(until));
    loop {
        let keys = forget_keys(rows.connection, budget.now, STEP_ROWS)?
            + access::forget(rows.connection, budget.now.0, STEP_ROWS)?;
        left.cleaned.keys += keys;
        if keys == 0 {
            break;
        }
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    // To have looked in vain is not to have cleaned: zero is answered when nothing is left, and whoever
    // hears it rests.
    left.restart(budget.time);
    if left.is_spent() {
        return Ok(left.cleaned);
    }
    // Rows are searched below by what the heads in memory may know better.
    rows.memory.heads.flush(rows.connection)?;
    left.cleaned.topics = rows.memory.crowded.look(rows.connection, rows.retentions)?;
    while copy::clean(rows.connection, budget.now, STEP_ROWS)? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_to_trim(rows, budget.now)? {
        let retention = rows.retentions.of(topic.kind());
        let goes = |time, events, bytes| is_past(retention, budget.now, time, events, bytes);
        let trimmed = trim(rows, &topic, &mut left, goes).and_then(|gone| match gone {
            0 => Err(Error::Damaged(format!("nothing of {topic} is past its retention")).into()),
            _ => Ok(()),
        });
        rows.memory.unless_damaged(&topic, trimmed)?;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_ended(rows, budget.now)? {
        let purged = purge(rows, &topic, budget.now, &mut left);
        rows.memory.unless_damaged(&topic, purged)?;
        if left.is_spent() {
            break;
        }
    }
    Ok(left.cleaned)
}

fn next_to_trim(rows: &mut Rows<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    while let Some(topic) = rows.memory.crowded.any() {
        let is_passed = rows
            .memory
            .heads
            .get(rows.connection, &topic)
            .map(|head| rows.retentions.is_passed(topic.kind(), head.events(), head.bytes));
        match is_passed {
            Ok(true) if !rows.memory.damaged.contains(&topic) => return Ok(Some(topic)),
            Ok(_) => rows.memory.crowded.relieve(&topic),
            Err(failure) => rows.memory.unless_damaged(&topic, Err(failure))?,
        }
    }
    let kinds = [Kind::Room, Kind::User, Kind::Project, Kind::Access, Kind::Audit];
    let aged = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND oldest <= ?2
         ORDER BY oldest LIMIT ?3";
    first(rows, aged, &kinds, now)
}

/// The topic of a job, session or project that ended long enough ago.
fn next_ended(rows: &Rows<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    let kinds = [Kind::Job, Kind::Session, Kind::Project];
    let ended = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND ended_at <= ?2
         ORDER BY ended_at LIMIT ?3";
    first(rows, ended, &kinds, now)
}

/// The first topic of one of the kinds that a statement finds older than they are kept.
fn first(rows: &Rows<'_>, sql: &str, kinds: &[Kind], now: Time) -> Result<Option<Topic>, Failure> {
    let mut statement = rows.connection.prepare_cached(sql)?;
    let damaged = &rows.memory.damaged;
    for kind in kinds {
        let before = now - rows.retentions.of(*kind).age;
        // Among one more than are passed over is one that is not.
        let limit = signed(1 + damaged.len() as u64);
        let mut found = statement.query(params![kind_number(*kind), signed(before.0), limit])?;
        while let Some(one) = found.next()? {
            let topic = row::topic(one, 0)?;
            if !damaged.contains(&topic) {
                return Ok(Some(topic));
            }
        }
    }
    Ok(None)
}

/// Deletes a topic's oldest events as long as `goes` says so of the oldest one's time and of the
/// number and bytes that are retained: how many went. The floor rises in the same transaction.
fn trim(
    rows: &mut Rows<'_>,
    topic: &Topic,
    left: &mut Left,
    goes: impl Fn(Time, u64, u64) -> bool,
) -> Result<u64, Failure> {
    let mut all = 0;
    loop {
        let head = rows.memory.heads.touch(rows.connection, topic)?;
        // One row more than can go: it is the oldest by then.
        let found = oldest(rows.connection, &head.chain(topic), STEP_ROWS + 1)?;
        let sizes: Vec<_> = found.iter().map(|(_, time, size)| (*time, *size)).collect();
        let (gone, bytes) = left.count(&sizes, (head.events(), head.bytes), &goes);
        if gone > 0 {
            let (lost, kept) = found.split_at(gone as usize);
            let mut delete = rows.connection.prepare_cached("DELETE FROM event WHERE id = ?1")?;
            for (row, _, _) in lost {
                delete.execute([row])?;
            }
            let floor = head.floor + gone;
            chain::unmark(rows.connection, head.id, floor)?;
            head.raise(floor, bytes, kept.first().map(|(_, time, _)| *time));
            left.take(gone, bytes);
        }
        rows.memory.heads.flush(rows.connection)?;
        all += gone;
        if gone < STEP_ROWS as u64 || left.is_spent() {
            return Ok(all);
        }
    }
}

/// Rows, times and sizes of a topic's oldest events.
fn oldest(
    connection: &Connection,
    chain: &Chain<'_>,
    limit: usize,
) -> Result<Vec<(i64, Time, u64)>, Failure> {
    let sql = "SELECT time, length(body) FROM event WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::with_capacity(limit);
    while found.len() < limit {
        let piece = chain.piece(connection, chain.floor + found.len() as u64)?;
        if piece.is_empty() {
            break;
        }
        for row in piece.into_iter().take(limit - found.len()) {
            let (time, size) = statement
                .query_row([row], |read| Ok((row::unsigned(read, 0)?, row::unsigned(read, 1)?)))?;
            found.push((row, Time(time), size));
        }
    }
    Ok(found)
}

/// Deletes an ended job, session or project: its output's index, its events, at last the record. A topic
/// whose name may be used again stays, empty, so that whoever holds a cursor of it learns that what
/// followed is gone.
fn purge(rows: &mut Rows<'_>, topic: &Topic, now: Time, left: &mut Left) -> Result<(), Failure> {
    let id = rows.memory.heads.get(rows.connection, topic)?.id;
    while output::unmark(rows.connection, id, STEP_ROWS)? > 0 {
        if left.is_spent() {
            return Ok(());
        }
    }
    trim(rows, topic, left, |_, _, _| true)?;
    let head = rows.memory.heads.get(rows.connection, topic)?;
    if head.events() > 0 {
        return Ok(());
    }
    while topic.kind() == Kind::Session && copy::purge(rows.connection, id, now, STEP_ROWS)? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(());
        }
    }
    if topic.kind() != Kind::Job {
        rows.memory.heads.touch(rows.connection, topic)?.end(None);
        return rows.memory.heads.flush(rows.connection);
    }
    if let Some(held) = rows.memory.records.get(rows.connection, topic.name())? {
        rows.memory.records.delete(rows.connection, &held)?;
        left.cleaned.jobs += 1;
    }
    rows.memory.heads.delete(rows.connection, topic)
}

/// Deletes idempotency keys that are past their time.
fn forget_keys(connection: &Connection, now: Time, limit: usize) -> Result<u64, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM idempotency WHERE (scope, key) IN
         (SELECT scope, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(statement.execute(params![signed(now.0), limit as i64])? as u64)
}

/// Whether there is room to write: a disk that was full may have some again.
pub(super) fn probe_room(connection: &Connection) -> rusqlite::Result<()> {
    let written = "INSERT OR REPLACE INTO meta VALUES('probe', zeroblob(65536))";
    connection.prepare_cached(written)?.execute([])?;
    connection.prepare_cached("DELETE FROM meta WHERE key = 'probe'")?.execute([])?;
    Ok(())
}
