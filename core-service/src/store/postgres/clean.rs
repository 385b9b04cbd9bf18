//! Deleting what is past its retention, in small transactions of its own: each holds at most one
//! topic, and passes over those that somebody is writing to.

use std::collections::HashSet;

use super::connection::Connection;
use super::crowded::Crowded;
use super::failure::Failure;
use super::head::{self, Head};
use super::read;
use crate::domain::job::{Record, Spec};
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::sql::row::kind_number;
use crate::store::sql::{Sql, Value, access, copy, values};
use crate::store::sweep::{Left, STEP_ROWS, is_past};
use crate::store::{CleanBudget, Cleaned, Error};

/// A lane that has committed nothing for so long has gone: nobody asks for its last commit.
const LANE_AGE_MS: u64 = 24 * 3600 * 1000;

/// Topics that cannot be cleaned and that are passed over. A store with more of them is past help.
const DAMAGED_MAX: usize = 256;

/// What is known from one cleaning to the next.
#[derive(Debug)]
pub(super) struct Memory {
    crowded: Crowded,
    /// Topics that cannot be cleaned.
    damaged: HashSet<Topic>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory { crowded: Crowded::new(), damaged: HashSet::new() }
    }

    /// What came of cleaning a topic: whether there is more to clean. One that cannot be read is passed over
    /// from then on: it must not keep all others from being cleaned.
    fn unless_damaged(
        &mut self,
        topic: &Topic,
        cleaned: Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        match cleaned {
            Err(Failure::Refused(Error::Damaged(what)) | Failure::Broken(Error::Damaged(what)))
                if self.damaged.len() < DAMAGED_MAX =>
            {
                tracing::error!(what, "a topic cannot be cleaned, and is left as it is");
                self.damaged.insert(topic.clone());
                Ok(true)
            }
            other => other,
        }
    }
}

/// Cleans within the budget.
pub(super) fn clean(
    connection: &Connection,
    memory: &mut Memory,
    retentions: &Retentions,
    budget: CleanBudget,
) -> Result<Cleaned, Failure> {
    let mut left = Left::new(budget, None);
    in_transaction(connection, forget_lanes)?;
    loop {
        let keys = in_transaction(connection, |connection| forget(connection, budget.now))?;
        left.cleaned.keys += keys;
        if keys == 0 {
            break;
        }
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    // To have looked in vain is not to have cleaned: zero is answered when nothing is left.
    left.restart(budget.time);
    if left.is_spent() {
        return Ok(left.cleaned);
    }
    left.cleaned.topics = memory.crowded.look(connection, retentions)?;
    while in_transaction(connection, |sql| copy::clean(sql, budget.now, STEP_ROWS))? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    let search = Search { connection, retentions, now: budget.now };
    // A topic that somebody holds is passed over, and found again the next time.
    while let Some(topic) = search.next_to_trim(&memory.damaged)? {
        let retention = retentions.of(topic.kind());
        let goes = |time, events, bytes| is_past(retention, budget.now, time, events, bytes);
        let steps = Steps { connection, retentions, topic: &topic };
        let trimmed = steps.trim(&mut left, goes);
        if !memory.unless_damaged(&topic, trimmed)? || left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = search.next_ended(&memory.damaged)? {
        let steps = Steps { connection, retentions, topic: &topic };
        let purged = steps.purge(budget.now, &mut left);
        if !memory.unless_damaged(&topic, purged)? || left.is_spent() {
            break;
        }
    }
    Ok(left.cleaned)
}

/// Runs a step as a transaction.
pub(super) fn in_transaction<T>(
    connection: &Connection,
    step: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection.begin_writing();
    match step(connection) {
        Ok(done) => {
            connection.commit().map_err(Failure::Engine)?;
            Ok(done)
        }
        Err(failure) => {
            // What failed is told; a rollback that fails ends with the connection.
            let _ = connection.end();
            Err(failure)
        }
    }
}

/// Deletes keys and entries that are past their time: how many.
fn forget(connection: &Connection, now: Time) -> Result<u64, Failure> {
    let keys = connection.execute(
        "DELETE FROM idempotency WHERE (scope, key) IN
         (SELECT scope, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        values![now, STEP_ROWS],
    )?;
    Ok(keys + access::forget(connection, now.0, STEP_ROWS)?)
}

/// Deletes lanes that have gone. Apart from keys: a lane holds its row while it waits for those.
fn forget_lanes(connection: &Connection) -> Result<u64, Failure> {
    connection.execute(
        "DELETE FROM lane WHERE seen <= CAST(extract(epoch FROM now()) * 1000 AS bigint) - ?1",
        values![LANE_AGE_MS],
    )
}

/// By what topics are looked for.
struct Search<'clean> {
    connection: &'clean Connection,
    retentions: &'clean Retentions,
    now: Time,
}

impl Search<'_> {
    fn next_to_trim(&self, damaged: &HashSet<Topic>) -> Result<Option<Topic>, Failure> {
        let crowded = "SELECT kind, tenant, name FROM topic WHERE is_crowded ORDER BY id LIMIT ?1";
        if let Some(topic) = self.first(crowded, values![limit(damaged)], damaged)? {
            return Ok(Some(topic));
        }
        let aged = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND oldest <= ?2
             ORDER BY oldest LIMIT ?3";
        self.past(
            aged,
            &[Kind::Room, Kind::User, Kind::Project, Kind::Access, Kind::Audit],
            damaged,
        )
    }

    /// The topic of a job, session or project that ended long enough ago.
    fn next_ended(&self, damaged: &HashSet<Topic>) -> Result<Option<Topic>, Failure> {
        let ended = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND ended_at <= ?2
             ORDER BY ended_at LIMIT ?3";
        self.past(ended, &[Kind::Job, Kind::Session, Kind::Project], damaged)
    }

    /// The first topic of one of the kinds that a statement finds older than they are kept.
    fn past(
        &self,
        sql: &str,
        kinds: &[Kind],
        damaged: &HashSet<Topic>,
    ) -> Result<Option<Topic>, Failure> {
        for kind in kinds {
            let before = self.now - self.retentions.of(*kind).age;
            let wanted = values![kind_number(*kind), before, limit(damaged)];
            if let Some(topic) = self.first(sql, wanted, damaged)? {
                return Ok(Some(topic));
            }
        }
        Ok(None)
    }

    /// The first topic that is not passed over.
    fn first(
        &self,
        sql: &str,
        wanted: &[Value<'_>],
        damaged: &HashSet<Topic>,
    ) -> Result<Option<Topic>, Failure> {
        for row in self.connection.rows(sql, wanted)? {
            let topic = row.topic(0)?;
            if !damaged.contains(&topic) {
                return Ok(Some(topic));
            }
        }
        Ok(None)
    }
}

/// Among one more than are passed over is one that is not.
fn limit(damaged: &HashSet<Topic>) -> usize {
    1 + damaged.len()
}

/// What is done to one topic, each step in a transaction.
struct Steps<'clean> {
    connection: &'clean Connection,
    retentions: &'clean Retentions,
    topic: &'clean Topic,
}

impl Steps<'_> {
    /// Deletes the oldest events as long as `goes` says so. The floor rises in the same transaction.
    /// False when somebody else holds the topic.
    fn trim(
        &self,
        left: &mut Left,
        goes: impl Fn(Time, u64, u64) -> bool,
    ) -> Result<bool, Failure> {
        loop {
            let gone = self.with_head(|head| self.trim_once(head, left, &goes))?;
            let Some(gone) = gone else { return Ok(false) };
            if gone < STEP_ROWS as u64 || left.is_spent() {
                return Ok(true);
            }
        }
    }

    fn trim_once(
        &self,
        head: &mut Head,
        left: &mut Left,
        goes: impl Fn(Time, u64, u64) -> bool,
    ) -> Result<u64, Failure> {
        // One row more than can go: it is the oldest by then.
        let rows = self.connection.rows(
            "SELECT time, CAST(length(body) AS bigint), \"offset\" FROM event WHERE topic = ?1
             AND \"offset\" > ?2 ORDER BY \"offset\" LIMIT ?3",
            values![head.stand.id, head.floor, STEP_ROWS + 1],
        )?;
        let mut oldest = Vec::with_capacity(rows.len());
        for (row, offset) in rows.iter().zip(head.floor + 1..) {
            if row.unsigned(2)? != offset {
                return Err(read::hole(self.topic, offset).into());
            }
            oldest.push((Time(row.unsigned(0)?), row.unsigned(1)?));
        }
        if oldest.len() <= STEP_ROWS && oldest.len() as u64 != head.events() {
            return Err(read::hole(self.topic, head.floor + 1 + oldest.len() as u64).into());
        }
        let (gone, bytes) = left.count(&oldest, (head.events(), head.bytes), goes);
        head.floor += gone;
        head.bytes = if head.events() > 0 { head.bytes.saturating_sub(bytes) } else { 0 };
        head.types.raise(head.floor);
        let kept = usize::try_from(gone).ok().and_then(|gone| oldest.get(gone));
        head.oldest = kept.map(|(time, _)| *time);
        let kind = self.topic.kind();
        head.is_crowded = self.retentions.is_passed(kind, head.events(), head.bytes);
        head.has_changed = true;
        self.connection.execute(
            "DELETE FROM event WHERE topic = ?1 AND \"offset\" <= ?2",
            values![head.stand.id, head.floor],
        )?;
        left.take(gone, bytes);
        Ok(gone)
    }

    /// Deletes what an ended job, session or project leaves: its events, at last its rows. A topic whose
    /// name may be used again stays, empty, so that whoever holds a cursor of it learns that what followed
    /// is gone.
    fn purge(&self, now: Time, left: &mut Left) -> Result<bool, Failure> {
        if !self.trim(left, |_, _, _| true)? {
            return Ok(false);
        }
        while self.topic.kind() == Kind::Session {
            let rows = self.with_head(|head| {
                if head.events() > 0 {
                    return Ok(0);
                }
                copy::purge(self.connection, head.stand.id, now, STEP_ROWS)
            })?;
            let Some(rows) = rows else { return Ok(false) };
            if rows == 0 {
                break;
            }
            left.cleaned.keys += 1;
            if left.is_spent() {
                return Ok(true);
            }
        }
        let jobs = self.with_head(|head| {
            if head.events() > 0 {
                return Ok(0);
            }
            if self.topic.kind() == Kind::Job {
                return delete_job(self.connection, head.stand.id);
            }
            head.stand.ended_at = None;
            head.has_changed = true;
            Ok(0)
        })?;
        left.cleaned.jobs += jobs.unwrap_or_default();
        Ok(jobs.is_some())
    }

    /// Runs a step with the topic's row locked, and writes what it makes of it; none if somebody else
    /// holds the row.
    fn with_head<T>(
        &self,
        step: impl FnOnce(&mut Head) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        in_transaction(self.connection, |connection| {
            let (kind, tenant, name) = head::key(self.topic);
            let found =
                connection.query(head::LOCK_FREE, &[&vec![kind], &vec![tenant], &vec![name]]);
            let found = found.map_err(Failure::Engine)?;
            let Some(row) = found.first() else { return Ok(None) };
            let mut head = Head::read(row)?;
            let done = step(&mut head)?;
            if head.has_changed {
                put(connection, &head)?;
            }
            Ok(Some(done))
        })
    }
}

/// Writes what cleaning changes in a topic's row.
fn put(connection: &Connection, head: &Head) -> Result<u64, Failure> {
    connection.execute(
        "UPDATE topic SET floor = ?2, bytes = ?3, types = ?4, oldest = ?5, ended_at = ?6,
           is_crowded = CAST(?7 AS bigint) = 1
         WHERE id = ?1",
        values![
            head.stand.id,
            head.floor,
            head.bytes,
            &head.types.stored().map_err(Failure::Broken)?,
            head.oldest,
            head.stand.ended_at,
            head.is_crowded
        ],
    )
}

/// Deletes a job, its input, its labels and its topic; answers how many jobs that were.
fn delete_job(connection: &Connection, topic: i64) -> Result<u64, Failure> {
    let found = connection.row("SELECT doc FROM job_record WHERE topic = ?1", values![topic])?;
    // Of a record that cannot be read the rest goes all the same.
    if let Some(Ok(Record { job, .. })) = found.map(|row| row.doc::<Record>(0)) {
        let Spec { tenant, id, labels, .. } = &*job.spec;
        for (key, value) in labels {
            connection.execute(
                "DELETE FROM job_label
                 WHERE tenant = ?1 AND key = ?2 AND value = ?3 AND job_id = ?4",
                values![tenant, key, value, id],
            )?;
        }
    }
    for sql in ["DELETE FROM job_input WHERE topic = ?1", "DELETE FROM job_record WHERE topic = ?1"]
    {
        connection.execute(sql, values![topic])?;
    }
    connection.execute("DELETE FROM topic WHERE id = ?1", values![topic])?;
    connection.execute("DELETE FROM job WHERE topic = ?1", values![topic])
}
