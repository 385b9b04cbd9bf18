//! Reading jobs.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Answer, Row, Sql, Value, signed, values};
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::store::codec::{STATES, state_number};
use crate::store::{Error, JobQuery, Stored};

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
    let payload =
        |row: Row| Ok::<_, Error>(Payload { content_type: row.text(0)?, data: row.bytes(1)? });
    Ok(found.map(payload).transpose()?)
}

/// Jobs that match, newest first. Each state is a range of an index that is in the list's order; the
/// newest of all ranges are the list, so that no page costs more than its length times seven.
pub(crate) fn list<S: Sql>(sql: &S, query: &JobQuery) -> Answer<Vec<Stored>, S> {
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
    found.dedup();
    found.truncate(query.limit);
    let mut jobs = Vec::with_capacity(found.len());
    for (job_id, topic) in found {
        let row = sql.row(
            "SELECT t.head, t.stamp, r.doc FROM topic_head t JOIN job_record r ON r.topic = t.topic
             WHERE t.topic = ?1",
            values![topic],
        )?;
        let row = row.ok_or_else(|| Error::Damaged(format!("job {job_id} is missing")))?;
        jobs.push(self::stored(&row)?);
    }
    Ok(jobs)
}

/// Ids and rows of the newest jobs in some states.
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
    select.put(signed(query.limit as u64));
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
