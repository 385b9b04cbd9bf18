//! Reading jobs.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::failure::Failure;
use super::row::{self, signed};
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::store::codec::{self, STATES, state_number};
use crate::store::{Error, JobQuery, Stored};

/// A job by id.
pub(super) fn job(connection: &Connection, job_id: &str) -> Result<Option<Stored>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT t.head, t.stamp, r.doc FROM job j JOIN topic_head t ON t.topic = j.topic
         JOIN job_record r ON r.topic = j.topic WHERE j.job_id = ?1",
    )?;
    let mut rows = statement.query([job_id])?;
    rows.next()?.map(stored).transpose()
}

fn stored(found: &rusqlite::Row<'_>) -> Result<Stored, Failure> {
    let doc = found.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Stored { record: Arc::new(codec::from_json(doc)?), cursor: row::cursor(found, 0)? })
}

/// A job's input.
pub(super) fn input(connection: &Connection, job_id: &str) -> Result<Option<Payload>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT i.content_type, i.data FROM job j JOIN job_input i ON i.topic = j.topic
         WHERE j.job_id = ?1",
    )?;
    let found = statement.query_row([job_id], |found| {
        let data = Bytes::from(found.get::<_, Vec<u8>>(1)?);
        Ok(Payload { content_type: found.get(0)?, data })
    });
    Ok(found.optional()?)
}

/// Jobs that match, newest first. Each state is a range of an index that is in the list's order; the
/// newest of all ranges are the list, so that no page costs more than its length times seven.
pub(super) fn list(connection: &Connection, query: &JobQuery) -> Result<Vec<Stored>, Failure> {
    let mut found: Vec<(String, i64)> = Vec::new();
    if query.labels.is_empty() {
        let states = if query.states.is_empty() { &STATES[..] } else { &query.states[..] };
        for state in states {
            found.extend(range(connection, query, &[*state])?);
        }
    } else {
        found.extend(range(connection, query, &query.states)?);
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    found.truncate(query.limit);
    let mut statement = connection.prepare_cached(
        "SELECT t.head, t.stamp, r.doc FROM topic_head t JOIN job_record r ON r.topic = t.topic
         WHERE t.topic = ?1",
    )?;
    let mut jobs = Vec::with_capacity(found.len());
    for (job_id, topic) in found {
        let mut rows = statement.query([topic])?;
        let row = rows.next()?.ok_or_else(|| Error::Damaged(format!("job {job_id} is missing")))?;
        jobs.push(self::stored(row)?);
    }
    Ok(jobs)
}

/// Ids and rows of the newest jobs in some states.
fn range(
    connection: &Connection,
    query: &JobQuery,
    states: &[job::State],
) -> Result<Vec<(String, i64)>, Failure> {
    let mut select = Select::begin(query);
    select.and("j.tenant = ?", query.tenant.clone());
    for (column, value) in
        [("owner", &query.owner), ("project", &query.project), ("kind", &query.kind)]
    {
        if let Some(value) = value {
            select.and(&format!("j.{column} = ?"), value.clone());
        }
    }
    if let [state] = states {
        select.and("j.state = ?", state_number(*state));
    } else if !states.is_empty() {
        let numbers: Vec<_> = states.iter().map(|state| state_number(*state).to_string()).collect();
        let _ = write!(select.sql, " AND j.state IN ({})", numbers.join(", "));
    }
    if let Some(after) = &query.after {
        let list = if query.labels.is_empty() { "j" } else { "l" };
        select.and(&format!("{list}.job_id < ?"), after.clone());
    }
    let list = if query.labels.is_empty() { "j" } else { "l" };
    let _ = write!(select.sql, " ORDER BY {list}.job_id DESC LIMIT ?");
    select.values.push(signed(query.limit as u64).into());
    let mut statement = connection.prepare_cached(&select.sql)?;
    let rows = statement
        .query_map(params_from_iter(select.values), |found| Ok((found.get(0)?, found.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A statement under construction.
struct Select {
    sql: String,
    values: Vec<Value>,
}

impl Select {
    /// Walks the index of the first label, else the narrowest index that fits.
    fn begin(query: &JobQuery) -> Select {
        let mut labels = query.labels.iter();
        if let Some((key, value)) = labels.next() {
            let sql = "SELECT l.job_id, l.topic FROM job_label l CROSS JOIN job j \
                       ON j.topic = l.topic WHERE l.tenant = ? AND l.key = ? AND l.value = ?";
            let values = [&query.tenant, key, value].map(|text| text.clone().into());
            let mut select = Select { sql: sql.into(), values: values.into() };
            for (key, value) in labels {
                select.sql.push_str(
                    " AND EXISTS(SELECT 1 FROM job_label m WHERE m.tenant = l.tenant \
                     AND m.key = ? AND m.value = ? AND m.job_id = l.job_id)",
                );
                select.values.extend([key, value].map(|text| text.clone().into()));
            }
            return select;
        }
        let index = match (&query.owner, &query.project, &query.kind) {
            (Some(_), _, _) => "job_of_owner",
            (None, Some(_), _) => "job_of_project",
            (None, None, Some(_)) => "job_of_kind",
            (None, None, None) => "job_of_tenant",
        };
        let sql = format!("SELECT j.job_id, j.topic FROM job j INDEXED BY {index} WHERE TRUE");
        Select { sql, values: Vec::new() }
    }

    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        let _ = write!(self.sql, " AND {condition}");
        self.values.push(value.into());
    }
}
