//! Deleting what is past its retention, in small steps inside the writer's batches.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::chain::{self, Chain};
use super::failure::Failure;
use super::output;
use super::row::{self, KINDS, kind_number, signed};
use super::rows::{Memory, Rows};
use crate::domain::retention::{Retention, Retentions};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::sql::{access, copy};
use crate::store::sweep::{Left, STEP_ROWS, is_past};
use crate::store::{CleanBudget, Cleaned};

/// Cleans within the budget and not after `until`.
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
        if left.is_spent() {
            return Ok(left.cleaned);
        }
        if keys == 0 {
            break;
        }
    }
    // Rows are searched below by what the heads in memory may know better.
    rows.memory.heads.flush(rows.connection)?;
    while copy::clean(rows.connection, budget.now, STEP_ROWS)? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_to_trim(rows, budget.now)? {
        let retention = rows.retentions.of(topic.kind());
        let goes = |time, events, bytes| is_past(retention, budget.now, time, events, bytes);
        trim(rows, &topic, &mut left, goes)?;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_ended(rows, budget.now)? {
        purge(rows, &topic, budget.now, &mut left)?;
        if left.is_spent() {
            break;
        }
    }
    Ok(left.cleaned)
}

/// Finds the topics that hold more than they may: the writer knows them from then on.
pub(super) fn find_crowded(
    connection: &Connection,
    retentions: &Retentions,
    memory: &mut Memory,
) -> Result<(), Failure> {
    memory.crowded.clear();
    for kind in KINDS {
        let Retention { events, bytes, .. } = retentions.of(kind);
        if events.is_none() && bytes.is_none() {
            continue;
        }
        let mut statement = connection.prepare(
            "SELECT kind, tenant, name FROM topic JOIN topic_head ON topic = id
             WHERE kind = ?1 AND (head - floor > ?2 OR bytes > ?3)",
        )?;
        let most = |limit: Option<u64>| signed(limit.unwrap_or(u64::MAX));
        let mut rows = statement.query(params![kind_number(kind), most(events), most(bytes)])?;
        while let Some(found) = rows.next()? {
            memory.crowded.insert(row::topic(found, 0)?);
        }
    }
    memory.crowded_is_known = true;
    Ok(())
}

fn next_to_trim(rows: &mut Rows<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    if !rows.memory.crowded_is_known {
        find_crowded(rows.connection, rows.retentions, rows.memory)?;
    }
    while let Some(topic) = rows.memory.crowded.iter().next().cloned() {
        let head = rows.memory.heads.get(rows.connection, &topic)?;
        if rows.retentions.is_passed(topic.kind(), head.events(), head.bytes) {
            return Ok(Some(topic));
        }
        rows.memory.crowded.remove(&topic);
    }
    for kind in [Kind::Room, Kind::User, Kind::Project, Kind::Access, Kind::Audit] {
        let before = now - rows.retentions.of(kind).age;
        let sql = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND oldest <= ?2
                   ORDER BY oldest LIMIT 1";
        if let Some(topic) = first_topic(rows.connection, sql, kind, before)? {
            return Ok(Some(topic));
        }
    }
    Ok(None)
}

/// The topic of a job, session or project that ended long enough ago.
fn next_ended(rows: &mut Rows<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    for kind in [Kind::Job, Kind::Session, Kind::Project] {
        let before = now - rows.retentions.of(kind).age;
        let sql = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND ended_at <= ?2
                   ORDER BY ended_at LIMIT 1";
        if let Some(topic) = first_topic(rows.connection, sql, kind, before)? {
            return Ok(Some(topic));
        }
    }
    Ok(None)
}

fn first_topic(
    connection: &Connection,
    sql: &str,
    kind: Kind,
    before: Time,
) -> Result<Option<Topic>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![kind_number(kind), signed(before.0)])?;
    rows.next()?.map(|found| row::topic(found, 0)).transpose()
}

/// Deletes a topic's oldest events as long as `goes` says so of the oldest one's time and of the
/// number and bytes that are retained. The floor rises in the same transaction.
fn trim(
    rows: &mut Rows<'_>,
    topic: &Topic,
    left: &mut Left,
    goes: impl Fn(Time, u64, u64) -> bool,
) -> Result<(), Failure> {
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
        if gone < STEP_ROWS as u64 || left.is_spent() {
            return Ok(());
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
