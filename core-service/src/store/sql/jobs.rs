//! Reading jobs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{Answer, Row, Sql, Value, json, signed, values};
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::store::codec::{STATES, state_number};
use crate::store::{Error, JobPage, JobQuery, Stored};

/// Records that are read at a time. With a result each of them may be a payload long.
const RECORDS: usize = 16;
/// A page of a list ends once its records have so many bytes: with the last one, and what a message is
/// longer by, it stays below the 4 MiB that clients take.
const PAGE_BYTES: usize = 2 << 20;

/// A job by id.
pub(crate) fn job<S: Sql>(sql: &S, job_id: &str) -> Answer<Option<Stored>, S> {
    let found = sql.row(
        "SELECT t.head, t.stamp, r.doc FROM job j JOIN topic_head t ON t.topic = j.topic
         JOIN job_record r ON r.topic = j.topic WHERE j.job_id = ?1",
        values![job_id],
    )?;
    Ok(found.as_ref().map(stored).transpose()?)
}

fn stored(row: &Row) -> Result<Stored, Error> {
    Ok(Stored { record: Arc::new(row.doc(2)?), cursor: row.cursor(0)? })
}

/// A job's input.
pub(crate) fn input<S: Sql>(sql: &S, job_id: &str) -> Answer<Option<Payload>, S> {
    let found = sql.row(
        "SELECT i.content_type, i.data FROM job j JOIN job_input i ON i.topic = j.topic
         WHERE j.job_id = ?1",
        values![job_id],
    )?;
    let payload = |row: Row| {
        Ok::<_, Error>(Payload { content_type: row.text(0)?.into(), data: row.bytes(1)? })
    };
    Ok(found.map(payload).transpose()?)
}

/// Jobs that match, newest first. Each state is a range of an index that is in the list's order; the
/// newest of all ranges are the list, so that no page costs more than its length times seven.
pub(crate) fn list<S: Sql>(sql: &S, query: &JobQuery) -> Answer<JobPage, S> {
    // In one order and each once, however they were asked for: another list of them is another statement.
    let states = STATES.into_iter().filter(|state| query.states.contains(state));
    let states: Vec<job::State> = states.collect();
    let mut found: Vec<(String, i64)> = Vec::new();
    if query.labels.is_empty() {
        for state in if states.is_empty() { &STATES[..] } else { &states[..] } {
            found.extend(range(sql, query, &[*state])?);
        }
    } else {
        found.extend(range(sql, query, &states)?);
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    let mut page = JobPage { jobs: Vec::new(), has_more: found.len() > query.limit };
    found.truncate(query.limit);
    let mut bytes = 0;
    for piece in found.chunks(RECORDS) {
        let mut records = records(sql, piece)?;
        for (job_id, topic) in piece {
            let missing = || Error::Damaged(format!("job {job_id} is missing"));
            let (stored, length) = records.remove(topic).ok_or_else(missing)?;
            page.jobs.push(stored);
            bytes += length;
            if bytes >= PAGE_BYTES {
                page.has_more |= page.jobs.len() < found.len();
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// The records of some jobs and the bytes that they take, by the row of their topic.
fn records<S: Sql>(sql: &S, jobs: &[(String, i64)]) -> Answer<HashMap<i64, (Stored, usize)>, S> {
    let topics = json(jobs.iter().map(|(_, topic)| (topic,)))?;
    let found = sql.rows(
        &format!(
            "SELECT t.head, t.stamp, r.doc, t.topic FROM {} w
             JOIN topic_head t ON t.topic = CAST(w.value ->> 0 AS BIGINT)
             JOIN job_record r ON r.topic = t.topic",
            S::EACH
        ),
        values![&topics],
    )?;
    let record = |row: &Row| Ok((row.number(3)?, (stored(row)?, row.bytes(2)?.len())));
    Ok(found.iter().map(record).collect::<Result<_, Error>>()?)
}

/// Ids and rows of the newest jobs in some states: one more than the page may have tells whether others
/// follow.
fn range<S: Sql>(
    sql: &S,
    query: &JobQuery,
    states: &[job::State],
) -> Answer<Vec<(String, i64)>, S> {
    let mut select = Select::begin::<S>(query);
    select.and("j.tenant =", &query.tenant);
    for (column, value) in
        [("owner", &query.owner), ("project", &query.project), ("kind", &query.kind)]
    {
        if let Some(value) = value {
            select.and(&format!("j.{column} ="), value);
        }
    }
    if let [state] = states {
        select.and("j.state =", state_number(*state));
    } else if !states.is_empty() {
        let numbers: Vec<_> = states.iter().map(|state| state_number(*state).to_string()).collect();
        let _ = write!(select.sql, " AND j.state IN ({})", numbers.join(", "));
    }
    let list = if query.labels.is_empty() { "j" } else { "l" };
    if let Some(after) = &query.after {
        select.and(&format!("{list}.job_id <"), after);
    }
    let _ = write!(select.sql, " ORDER BY {list}.job_id DESC LIMIT ");
    select.put(signed((query.limit as u64).saturating_add(1)));
    let found = sql.rows(&select.sql, &select.values)?;
    let pair = |row: &Row| Ok::<_, Error>((row.text(0)?, row.number(1)?));
    Ok(found.iter().map(pair).collect::<Result<_, _>>()?)
}

/// A statement under construction.
struct Select<'query> {
    sql: String,
    values: Vec<Value<'query>>,
}

impl<'query> Select<'query> {
    /// Walks the index of the first label, else the narrowest index that fits.
    fn begin<S: Sql>(query: &'query JobQuery) -> Select<'query> {
        let mut select = Select { sql: String::new(), values: Vec::new() };
        let mut labels = query.labels.iter();
        if let Some((key, value)) = labels.next() {
            select.sql.push_str(
                "SELECT l.job_id, l.topic FROM job_label l CROSS JOIN job j \
                 WHERE j.topic = l.topic",
            );
            select.and("l.tenant =", &query.tenant);
            select.and("l.key =", key);
            select.and("l.value =", value);
            for (key, value) in labels {
                select.sql.push_str(
                    " AND EXISTS(SELECT 1 FROM job_label m WHERE m.tenant = l.tenant \
                     AND m.job_id = l.job_id",
                );
                select.and("m.key =", key);
                select.and("m.value =", value);
                select.sql.push(')');
            }
            return select;
        }
        let index = match (&query.owner, &query.project, &query.kind) {
            (Some(_), _, _) => "job_of_owner",
            (None, Some(_), _) => "job_of_project",
            (None, None, Some(_)) => "job_of_kind",
            (None, None, None) => "job_of_tenant",
        };
        let hint = S::index_hint(index);
        let _ = write!(select.sql, "SELECT j.job_id, j.topic FROM job j {hint} WHERE TRUE");
        select
    }

    fn and(&mut self, condition: &str, value: impl Into<Value<'query>>) {
        let _ = write!(self.sql, " AND {condition} ");
        self.put(value);
    }

    fn put(&mut self, value: impl Into<Value<'query>>) {
        self.values.push(value.into());
        let _ = write!(self.sql, "?{}", self.values.len());
    }
}
