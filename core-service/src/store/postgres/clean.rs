//! Deleting what is past its retention, in small transactions of its own: each holds at most one
//! topic, and passes over those that somebody is writing to.

use super::connection::Connection;
use super::failure::Failure;
use super::head::{self, Head};
use crate::domain::job::{Record, Spec};
use crate::domain::retention::{Retention, Retentions};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::sql::row::{KINDS, kind_number};
use crate::store::sql::{Sql, access, copy, values};
use crate::store::sweep::{Left, STEP_ROWS, is_past};
use crate::store::{CleanBudget, Cleaned};

/// A lane that has committed nothing for so long has gone: nobody asks for its last commit.
const LANE_AGE_MS: u64 = 24 * 3600 * 1000;

/// Cleans within the budget.
pub(super) fn clean(
    connection: &Connection,
    retentions: &Retentions,
    budget: CleanBudget,
) -> Result<Cleaned, Failure> {
    let mut left = Left::new(budget, None);
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
    while in_transaction(connection, |sql| copy::clean(sql, budget.now, STEP_ROWS))? > 0 {
        left.cleaned.keys += 1;
        if left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    // A topic that somebody holds is passed over, and found again the next time.
    while let Some(topic) = next_to_trim(connection, retentions, budget.now)? {
        let retention = retentions.of(topic.kind());
        let goes = |time, events, bytes| is_past(retention, budget.now, time, events, bytes);
        let steps = Steps { connection, retentions, topic: &topic };
        if !steps.trim(&mut left, goes)? || left.is_spent() {
            return Ok(left.cleaned);
        }
    }
    while let Some(topic) = next_ended(connection, retentions, budget.now)? {
        let steps = Steps { connection, retentions, topic: &topic };
        if !steps.purge(budget.now, &mut left)? || left.is_spent() {
            break;
        }
    }
    Ok(left.cleaned)
}

/// Finds the topics that hold more than they may: a retention may have been made smaller.
pub(super) fn find_crowded(
    connection: &Connection,
    retentions: &Retentions,
) -> Result<(), Failure> {
    for kind in KINDS {
        let Retention { events, bytes, .. } = retentions.of(kind);
        if events.is_none() && bytes.is_none() {
            continue;
        }
        let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        connection.execute(
            // In the order of lanes, which may be at work.
            "UPDATE topic SET is_crowded = true WHERE id = ANY(ARRAY(
               SELECT id FROM topic WHERE kind = ?1 AND NOT is_crowded
               AND (head - floor > ?2 OR bytes > ?3) ORDER BY id FOR UPDATE))",
            values![kind_number(kind), most(events), most(bytes)],
        )?;
    }
    Ok(())
}

fn in_transaction<T>(
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

/// Deletes keys, entries and lanes that are past their time: how many keys and entries.
fn forget(connection: &Connection, now: Time) -> Result<u64, Failure> {
    let keys = connection.execute(
        "DELETE FROM idempotency WHERE (scope, key) IN
         (SELECT scope, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        values![now, STEP_ROWS],
    )?;
    let entries = access::forget(connection, now.0, STEP_ROWS)?;
    // As lanes do: keys first, and the row of a lane after all that it waits for.
    connection.execute(
        "DELETE FROM lane WHERE seen <= CAST(extract(epoch FROM now()) * 1000 AS bigint) - ?1",
        values![LANE_AGE_MS],
    )?;
    Ok(keys + entries)
}

fn next_to_trim(
    connection: &Connection,
    retentions: &Retentions,
    now: Time,
) -> Result<Option<Topic>, Failure> {
    let crowded = "SELECT kind, tenant, name FROM topic WHERE is_crowded LIMIT 1";
    if let Some(found) = connection.row(crowded, &[])? {
        return Ok(Some(found.topic(0)?));
    }
    let aged = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND oldest <= ?2
         ORDER BY oldest LIMIT 1";
    first(
        connection,
        retentions,
        now,
        (aged, &[Kind::Room, Kind::User, Kind::Project, Kind::Access, Kind::Audit]),
    )
}

/// The topic of a job, session or project that ended long enough ago.
fn next_ended(
    connection: &Connection,
    retentions: &Retentions,
    now: Time,
) -> Result<Option<Topic>, Failure> {
    let ended = "SELECT kind, tenant, name FROM topic WHERE kind = ?1 AND ended_at <= ?2
         ORDER BY ended_at LIMIT 1";
    first(connection, retentions, now, (ended, &[Kind::Job, Kind::Session, Kind::Project]))
}

fn first(
    connection: &Connection,
    retentions: &Retentions,
    now: Time,
    (sql, kinds): (&str, &[Kind]),
) -> Result<Option<Topic>, Failure> {
    for kind in kinds {
        let before = now - retentions.of(*kind).age;
        if let Some(found) = connection.row(sql, values![kind_number(*kind), before])? {
            return Ok(Some(found.topic(0)?));
        }
    }
    Ok(None)
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
            "SELECT time, CAST(length(body) AS bigint) FROM event WHERE topic = ?1
             AND \"offset\" > ?2 ORDER BY \"offset\" LIMIT ?3",
            values![head.stand.id, head.floor, STEP_ROWS + 1],
        )?;
        let mut oldest = Vec::with_capacity(rows.len());
        for row in rows {
            oldest.push((Time(row.unsigned(0)?), row.unsigned(1)?));
        }
        let (gone, bytes) = left.count(&oldest, (head.events(), head.bytes), goes);
        head.floor += gone;
        head.bytes = head.bytes.saturating_sub(bytes);
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
