//! Deleting what is past its retention, in small steps inside the writer's batches.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::access;
use super::batch::{Batch, Memory};
use super::body;
use super::chain::{self, Chain};
use super::failure::Failure;
use super::idempotency;
use super::output;
use super::row::{self, KINDS, kind_number, signed};
use crate::domain::retention::{Retention, Retentions};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::{CleanBudget, Cleaned};

/// Rows between two looks at the clock.
const STEP_ROWS: usize = 64;
/// Bodies that one cleaning deletes: their pages are all written to the log in one commit.
const BYTES_MAX: u64 = 1 << 20;

/// What is left of a cleaning's budget. Every cleaning takes at least one step.
#[derive(Debug)]
struct Left {
    events: u64,
    bytes: u64,
    until: Instant,
    cleaned: Cleaned,
}

impl Left {
    fn is_spent(&self) -> bool {
        self.events == 0 || self.bytes == 0 || Instant::now() >= self.until
    }

    fn take(&mut self, events: u64, bytes: u64) {
        self.events = self.events.saturating_sub(events);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.cleaned.events += events;
    }
}

/// Cleans within the budget and not after `until`.
pub(super) fn clean(
    batch: &mut Batch<'_>,
    budget: CleanBudget,
    until: Instant,
) -> Result<Cleaned, Failure> {
    let events = budget.events.max(1) as u64;
    let until = until.min(Instant::now() + budget.time);
    let mut left = Left { events, bytes: BYTES_MAX, until, cleaned: Cleaned::default() };
    loop {
        let keys = idempotency::forget(batch.connection, budget.now.0, STEP_ROWS)?
            + access::forget(batch.connection, budget.now.0, STEP_ROWS)?;
        let keys = keys as u64;
        left.cleaned.keys += keys;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
        if keys == 0 {
            break;
        }
    }
    // Rows are searched below by what the heads in memory may know better.
    batch.memory.heads.flush(batch.connection)?;
    while body::clean(batch.connection, budget.now, STEP_ROWS as i64)? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_to_trim(batch, budget.now)? {
        let retention = batch.retentions.of(topic.kind());
        let goes = |time, events, bytes| is_past(retention, budget.now, time, events, bytes);
        trim(batch, &topic, &mut left, goes)?;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_ended(batch, budget.now)? {
        purge(batch, &topic, &mut left)?;
        if left.is_spent() {
            break;
        }
    }
    Ok(left.cleaned)
}

/// Whether the oldest event of a topic that retains so much must go.
fn is_past(retention: Retention, now: Time, time: Time, events: u64, bytes: u64) -> bool {
    time + retention.age <= now
        || retention.events.is_some_and(|most| events > most)
        || retention.bytes.is_some_and(|most| bytes > most)
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

fn next_to_trim(batch: &mut Batch<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    if !batch.memory.crowded_is_known {
        find_crowded(batch.connection, batch.retentions, batch.memory)?;
    }
    while let Some(topic) = batch.memory.crowded.iter().next().cloned() {
        let head = batch.memory.heads.get(batch.connection, &topic)?;
        if batch.retentions.is_passed(topic.kind(), head.events(), head.bytes) {
            return Ok(Some(topic));
        }
        batch.memory.crowded.remove(&topic);
    }
    for kind in [Kind::Room, Kind::User, Kind::Project, Kind::Access] {
        let before = now - batch.retentions.of(kind).age;
        let sql = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND oldest <= ?2
                   ORDER BY oldest LIMIT 1";
        if let Some(topic) = first_topic(batch.connection, sql, kind, before)? {
            return Ok(Some(topic));
        }
    }
    Ok(None)
}

/// The topic of a job, session or project that ended long enough ago.
fn next_ended(batch: &mut Batch<'_>, now: Time) -> Result<Option<Topic>, Failure> {
    for kind in [Kind::Job, Kind::Session, Kind::Project] {
        let before = now - batch.retentions.of(kind).age;
        let sql = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND ended_at <= ?2
                   ORDER BY ended_at LIMIT 1";
        if let Some(topic) = first_topic(batch.connection, sql, kind, before)? {
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
    batch: &mut Batch<'_>,
    topic: &Topic,
    left: &mut Left,
    goes: impl Fn(Time, u64, u64) -> bool,
) -> Result<(), Failure> {
    loop {
        let head = batch.memory.heads.touch(batch.connection, topic)?;
        // One row more than can go: it is the oldest by then.
        let rows = oldest(batch.connection, &head.chain(topic), STEP_ROWS + 1)?;
        let (mut gone, mut bytes) = (0, 0);
        for (_, time, size) in rows.iter().take(STEP_ROWS) {
            let is_within = gone < left.events && bytes < left.bytes;
            if !is_within || !goes(*time, head.events() - gone, head.bytes - bytes) {
                break;
            }
            (gone, bytes) = (gone + 1, bytes + size);
        }
        if gone > 0 {
            let (lost, kept) = rows.split_at(gone as usize);
            let mut delete = batch.connection.prepare_cached("DELETE FROM event WHERE id = ?1")?;
            for (row, _, _) in lost {
                delete.execute([row])?;
            }
            let floor = head.floor + gone;
            chain::unmark(batch.connection, head.id, floor)?;
            head.raise(floor, bytes, kept.first().map(|(_, time, _)| *time));
            left.take(gone, bytes);
        }
        batch.memory.heads.flush(batch.connection)?;
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

/// Deletes an ended job, session or project: its output's index, its events, at last the record. The topic
/// stays, empty, so that whoever holds a cursor learns that what followed is gone.
fn purge(batch: &mut Batch<'_>, topic: &Topic, left: &mut Left) -> Result<(), Failure> {
    let id = batch.memory.heads.get(batch.connection, topic)?.id;
    while output::unmark(batch.connection, id, STEP_ROWS)? > 0 {
        if left.is_spent() {
            return Ok(());
        }
    }
    trim(batch, topic, left, |_, _, _| true)?;
    let head = batch.memory.heads.get(batch.connection, topic)?;
    if head.events() > 0 {
        return Ok(());
    }
    while topic.kind() == Kind::Session
        && body::purge(batch.connection, id, batch.now, STEP_ROWS as i64)? > 0
    {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(());
        }
    }
    batch.memory.heads.touch(batch.connection, topic)?.end(None);
    batch.memory.heads.flush(batch.connection)?;
    if topic.kind() == Kind::Job
        && let Some(held) = batch.memory.records.get(batch.connection, topic.name())?
    {
        batch.memory.records.delete(batch.connection, &held)?;
        left.cleaned.jobs += 1;
    }
    Ok(())
}

/// Whether there is room to write: a disk that was full may have some again.
pub(super) fn probe_room(connection: &Connection) -> rusqlite::Result<()> {
    let written = "INSERT OR REPLACE INTO meta VALUES('probe', zeroblob(65536))";
    connection.prepare_cached(written)?.execute([])?;
    connection.prepare_cached("DELETE FROM meta WHERE key = 'probe'")?.execute([])?;
    Ok(())
}
