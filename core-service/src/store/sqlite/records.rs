//! Jobs: the rows, and those that were used last in memory, so that a worker's reports do not read
//! and parse the record each time.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::{self, Failure};
use super::row::signed;
use crate::domain::job::Record;
use crate::domain::payload::Payload;
use crate::store::codec;
use crate::store::job::{Held, fairness_key, is_free};

/// Jobs in memory: more than are running anywhere at once.
const RECORDS_MAX: NonZeroUsize = NonZeroUsize::new(4096).expect("above zero");
/// A larger record (a result, a long error) is not worth the memory.
const RECORD_BYTES_MAX: usize = 16 << 10;

/// The jobs that were used last.
#[derive(Debug)]
pub(super) struct Records {
    cache: LruCache<String, Held>,
}

impl Records {
    pub(super) fn new() -> Records {
        Records { cache: LruCache::new(RECORDS_MAX) }
    }

    /// A job by id.
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        job_id: &str,
    ) -> Result<Option<Held>, Failure> {
        if let Some(held) = self.cache.get(job_id) {
            return Ok(Some(held.clone()));
        }
        let mut statement = connection.prepare_cached(
            "SELECT topic, doc FROM job JOIN job_record USING(topic) WHERE job_id = ?1",
        )?;
        let found = statement
            .query_row([job_id], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()
            .map_err(failure::of_looking)?;
        let Some((topic, doc)) = found else { return Ok(None) };
        let held = Held { topic, record: codec::from_json(&doc)? };
        self.remember(&held, doc.len());
        Ok(Some(held))
    }

    /// Inserts a new job, its input and its labels.
    pub(super) fn insert(
        &mut self,
        connection: &Connection,
        held: &Held,
        input: Option<&Payload>,
    ) -> Result<(), Failure> {
        let doc = codec::to_json(&*held.record).map_err(Failure::Broken)?;
        insert_row(connection, held)?;
        connection
            .prepare_cached("INSERT INTO job_record VALUES(?1, ?2)")?
            .execute(params![held.topic, doc])?;
        if let Some(input) = input {
            connection
                .prepare_cached("INSERT INTO job_input VALUES(?1, ?2, ?3)")?
                .execute(params![held.topic, input.content_type, &input.data[..]])?;
        }
        let spec = &held.record.job.spec;
        for (key, value) in &spec.labels {
            connection
                .prepare_cached("INSERT INTO job_label VALUES(?1, ?2, ?3, ?4, ?5)")?
                .execute(params![spec.tenant, key, value, spec.id, held.topic])?;
        }
        self.remember(held, doc.len());
        Ok(())
    }

    /// Writes a changed job, moving only the indexes that it moves in.
    pub(super) fn update(
        &mut self,
        connection: &Connection,
        old: &Record,
        held: &Held,
    ) -> Result<(), Failure> {
        let new = &*held.record;
        let doc = codec::to_json(new).map_err(Failure::Broken)?;
        let deadline = new.deadline().map(|at| signed(at.0));
        if old.job.state != new.job.state || is_free(old) != is_free(new) {
            connection
                .prepare_cached(
                    "UPDATE job SET deadline = ?2, run_at = ?3, state = ?4, is_free = ?5
                     WHERE topic = ?1",
                )?
                .execute(params![
                    held.topic,
                    deadline,
                    signed(new.job.run_at.0),
                    codec::state_number(new.job.state),
                    is_free(new),
                ])?;
        } else if old.deadline() != new.deadline() {
            connection
                .prepare_cached("UPDATE job SET deadline = ?2 WHERE topic = ?1")?
                .execute(params![held.topic, deadline])?;
        }
        connection
            .prepare_cached("UPDATE job_record SET doc = ?2 WHERE topic = ?1")?
            .execute(params![held.topic, doc])?;
        self.remember(held, doc.len());
        Ok(())
    }

    /// Deletes a job, its input and its labels.
    pub(super) fn delete(&mut self, connection: &Connection, held: &Held) -> Result<(), Failure> {
        let spec = &held.record.job.spec;
        for (key, value) in &spec.labels {
            connection
                .prepare_cached(
                    "DELETE FROM job_label
                     WHERE tenant = ?1 AND key = ?2 AND value = ?3 AND job_id = ?4",
                )?
                .execute(params![spec.tenant, key, value, spec.id])?;
        }
        for sql in [
            "DELETE FROM job_input WHERE topic = ?1",
            "DELETE FROM job_record WHERE topic = ?1",
            "DELETE FROM job WHERE topic = ?1",
        ] {
            connection.prepare_cached(sql)?.execute([held.topic])?;
        }
        self.cache.pop(&spec.id);
        Ok(())
    }

    /// Forgets everything, after a rollback.
    pub(super) fn clear(&mut self) {
        self.cache.clear();
    }

    fn remember(&mut self, held: &Held, bytes: usize) {
        let id = &held.record.job.spec.id;
        if held.record.job.state.is_final() || bytes > RECORD_BYTES_MAX {
            self.cache.pop(id);
        } else if let Some(cached) = self.cache.get_mut(id) {
            cached.record = Arc::clone(&held.record);
        } else {
            self.cache.push(id.clone(), held.clone());
        }
    }
}

fn insert_row(connection: &Connection, held: &Held) -> Result<(), Failure> {
    let record = &*held.record;
    let spec = &record.job.spec;
    let mut statement = connection.prepare_cached(
        "INSERT INTO job(topic, job_id, tenant, owner, project, kind, state, priority, run_at,
         fairness_key, pinned_worker, is_free, deadline)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    statement.execute(params![
        held.topic,
        spec.id,
        spec.tenant,
        spec.owner,
        spec.project,
        spec.kind,
        codec::state_number(record.job.state),
        spec.priority,
        signed(record.job.run_at.0),
        fairness_key(record),
        spec.pinned_worker.as_deref().unwrap_or_default(),
        is_free(record),
        record.deadline().map(|at| signed(at.0)),
    ])?;
    Ok(())
}
