//! What a batch has decided and not yet written: a few statements of many rows each, sent together.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::Call;
use super::head::Moved;
use super::rows::Mark;
use super::sql::Lent;
use super::usage::Used;
use crate::domain::event::{Body, Event};
use crate::domain::job::{self, Record};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::store::commit::Idempotency;
use crate::store::job::{Held, fairness_key, is_free};
use crate::store::sql::signed;
use crate::store::{Error, codec};

/// Rows to write.
#[derive(Debug, Default)]
pub(super) struct Pending {
    events: Events,
    jobs: Vec<(Held, Option<Payload>)>,
    /// Jobs that move in an index, and those whose record alone changes.
    moved: Vec<Held>,
    changed: Vec<Held>,
    keys: Vec<(Idempotency, String)>,
    /// Keys whose time has passed.
    expired: Vec<(String, String)>,
    used: Used,
}

/// Events, column by column.
#[derive(Debug, Default)]
struct Events {
    topics: Vec<i64>,
    offsets: Vec<i64>,
    forms: Vec<i64>,
    types: Vec<Lent<Arc<str>>>,
    traces: Sparse<Vec<u8>>,
    bodies: Vec<Lent<Bytes>>,
    attempts: Sparse<i64>,
    channels: Sparse<String>,
    starts: Sparse<i64>,
    time: Time,
}

/// A column with a value in few rows, or in none: then it is empty.
#[derive(Debug, Default)]
struct Sparse<T> {
    cells: Vec<Option<T>>,
    rows: usize,
}

impl<T> Sparse<T> {
    fn push(&mut self, cell: Option<T>) {
        if cell.is_some() || !self.cells.is_empty() {
            self.cells.resize_with(self.rows, || None);
            self.cells.push(cell);
        }
        self.rows += 1;
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.events.topics.is_empty()
            && self.jobs.is_empty()
            && self.moved.is_empty()
            && self.changed.is_empty()
            && self.keys.is_empty()
            && self.used.is_empty()
    }

    /// Adds an event; answers the size of its body.
    pub(super) fn event(&mut self, topic: i64, event: &Event) -> Result<u64, Error> {
        let (form, body) = codec::encode(&event.body)?;
        let size = body.len() as u64;
        let (mut attempt, mut channel, mut start) = (None, None, None);
        if let Body::Job(entry) = &event.body
            && let Some((name, offset, _)) = entry.event.output()
        {
            (attempt, channel) = (Some(i64::from(entry.attempt)), Some(name.to_owned()));
            start = Some(signed(offset));
        }
        let events = &mut self.events;
        events.topics.push(topic);
        events.offsets.push(signed(event.cursor.offset));
        events.forms.push(form as i64);
        events.types.push(Lent(Arc::clone(&event.kind)));
        events.traces.push(event.trace.map(|trace| trace.to_vec()));
        events.bodies.push(Lent(body));
        events.attempts.push(attempt);
        events.channels.push(channel);
        events.starts.push(start);
        events.time = event.time;
        Ok(size)
    }

    pub(super) fn insert_job(&mut self, held: &Held, input: Option<&Payload>) {
        self.jobs.push((held.clone(), input.cloned()));
    }

    pub(super) fn update_job(&mut self, old: &Record, held: &Held) {
        let new = &*held.record;
        let moves = old.job.state != new.job.state
            || is_free(old) != is_free(new)
            || old.deadline() != new.deadline();
        // A job that is new, or changes twice, is written once, as it is in the end.
        if let Some((job, _)) = self.jobs.iter_mut().find(|(job, _)| job.topic == held.topic) {
            job.record = Arc::clone(&held.record);
            return;
        }
        self.changed.retain(|job| job.topic != held.topic);
        self.changed.push(held.clone());
        let was_moved = self.moved.iter().position(|job| job.topic == held.topic);
        if let Some(at) = was_moved {
            self.moved.swap_remove(at);
        }
        if moves || was_moved.is_some() {
            self.moved.push(held.clone());
        }
    }

    pub(super) fn add_usage(&mut self, spec: &job::Spec, more: &job::Usage) {
        self.used.add(spec, more);
    }

    pub(super) fn key(&mut self, new: &Idempotency, reply: String) {
        self.keys.push((new.clone(), reply));
    }

    pub(super) fn expire(&mut self, key: (String, String)) {
        self.expired.push(key);
    }

    /// The statements that write all of it and the heads that have changed, and nothing is left.
    pub(super) fn calls(&mut self, mark: Mark, moved: Vec<Moved>) -> Result<Vec<Call>, Error> {
        // Topics before all else: who goes by its memory locks them here, and others have them by now.
        let mut calls = vec![write(mark, std::mem::take(&mut self.events), moved)];
        let Pending { events: _, jobs, moved, changed, keys, expired, used } = std::mem::take(self);
        if !expired.is_empty() {
            let (scopes, names): (Vec<_>, Vec<_>) = expired.into_iter().unzip();
            let sql =
                "DELETE FROM idempotency USING unnest(?1::text[], ?2::text[]) AS w(scope, key)
                 WHERE idempotency.scope = w.scope AND idempotency.key = w.key";
            calls.push(Call::new(sql).with(scopes).with(names));
        }
        if !keys.is_empty() {
            calls.push(insert_keys(keys));
        }
        if !jobs.is_empty() {
            calls.extend(insert_jobs(jobs)?);
        }
        if !moved.is_empty() {
            calls.push(move_jobs(&moved));
        }
        if !changed.is_empty() {
            calls.push(update_records(&changed)?);
        }
        calls.extend(used.call());
        Ok(calls)
    }
}

/// Fails if somebody else has used one of the keys meanwhile.
fn insert_keys(keys: Vec<(Idempotency, String)>) -> Call {
    let (mut scopes, mut names, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    let (mut replies, mut expiries) = (Vec::new(), Vec::new());
    let mut keys = keys;
    // Whoever waits for another's key does so in this order.
    keys.sort_by(|(a, _), (b, _)| (&a.scope, &a.key).cmp(&(&b.scope, &b.key)));
    for (Idempotency { scope, key, content, expires_at }, reply) in keys {
        scopes.push(scope);
        names.push(key);
        contents.push(content.to_vec());
        replies.push(reply);
        expiries.push(signed(expires_at.0));
    }
    let sql = "INSERT INTO idempotency SELECT * FROM
         unnest(?1::text[], ?2::text[], ?3::bytea[], ?4::text[], ?5::bigint[])";
    Call::new(sql).with(scopes).with(names).with(contents).with(replies).with(expiries)
}

/// Of events that the database dates when it writes them.
pub(super) const UNDATED: Time = Time(0);

/// Moves heads, writes events, and marks the lane's last batch: all in one statement, so that one answer
/// tells of all, and when that was. Columns without a value in any row come empty, and are null in each.
/// Numbers that are in all rows are taken by their place, which costs the server less than a column. The
/// limit leaves nothing out: with it the planner counts on one row, and so begins with the rows and not with
/// the table while that is small.
///
/// A head that moves gets the lane's stamp. If one is not where it was known to be, or the lane's row was
/// forgotten, nothing may be committed: then the division fails, and with it the transaction. The time is
/// taken of each row after the wait for it.
pub(super) const WRITE: &str = "WITH moved AS (
       UPDATE topic SET head = w.head, bytes = w.bytes, types = w.types,
         stamp = CASE WHEN w.head > topic.head THEN ?1 ELSE topic.stamp END,
         oldest = coalesce(w.oldest, topic.oldest), ended_at = coalesce(w.ended_at, topic.ended_at),
         is_crowded = coalesce(w.is_crowded, topic.is_crowded)
       FROM (SELECT (?13::bigint[])[n] AS id, (?14::bigint[])[n] AS head, (?15::bigint[])[n] AS bytes,
           (?16::bigint[])[n] AS was_head, (?17::bigint[])[n] AS was_stamp, (?18::bigint[])[n] AS was_floor,
           types, oldest, ended_at, is_crowded
         FROM unnest(?19::text[], ?20::bigint[], ?21::bigint[], ?22::boolean[])
           WITH ORDINALITY AS u(types, oldest, ended_at, is_crowded, n)
         LIMIT cardinality(?13::bigint[])) AS w
       WHERE topic.id = w.id AND topic.head = w.was_head AND topic.stamp = w.was_stamp
         AND topic.floor = w.was_floor
       RETURNING clock_timestamp() AS at),
     dated AS (
       SELECT count(*) AS heads,
         CAST(floor(extract(epoch FROM coalesce(max(at), clock_timestamp())) * 1000) AS bigint) AS at
       FROM moved),
     written AS (
       INSERT INTO event(topic, \"offset\", stamp, time, form, type, trace, body, attempt, channel, start)
       SELECT (?4::bigint[])[n], (?5::bigint[])[n], ?1, coalesce(?3, (SELECT at FROM dated)),
         (?6::bigint[])[n], type, trace, body, attempt, channel, start
       FROM unnest(?7::text[], ?8::bytea[], ?9::bytea[], ?10::bigint[], ?11::text[], ?12::bigint[])
         WITH ORDINALITY AS w(type, trace, body, attempt, channel, start, n)),
     marked AS (
       UPDATE lane SET batch = ?2, seen = (SELECT at FROM dated) WHERE stamp = ?1 RETURNING seen)
     SELECT coalesce(max(seen), 0) / CAST(
         count(*) = 1 AND (SELECT heads FROM dated) = cardinality(?13::bigint[]) AS integer)
     FROM marked";

fn write(mark: Mark, events: Events, moved: Vec<Moved>) -> Call {
    let call = Call::new(WRITE)
        .with(i64::from(mark.stamp))
        .with(signed(mark.batch))
        .with((events.time != UNDATED).then(|| signed(events.time.0)))
        .with(events.topics)
        .with(events.offsets)
        .with(events.forms)
        .with(events.types)
        .with(events.traces.cells)
        .with(events.bodies)
        .with(events.attempts.cells)
        .with(events.channels.cells)
        .with(events.starts.cells);
    let (mut ids, mut offsets, mut bytes, mut types) = (vec![], vec![], vec![], vec![]);
    let (mut was_offsets, mut was_stamps, mut was_floors) = (vec![], vec![], vec![]);
    let (mut oldest, mut ended, mut crowded) =
        (Sparse::default(), Sparse::default(), Sparse::default());
    for row in moved {
        ids.push(row.id);
        offsets.push(signed(row.head));
        bytes.push(signed(row.bytes));
        was_offsets.push(signed(row.was.head.offset));
        was_stamps.push(i64::from(row.was.head.stamp));
        was_floors.push(signed(row.was.floor));
        types.push(row.types);
        oldest.push(row.begun_at.map(|at| signed(at.0)));
        ended.push(row.ended_at.map(|at| signed(at.0)));
        crowded.push(row.is_crowded.then_some(true));
    }
    let call = call.with(ids).with(offsets).with(bytes);
    let call = call.with(was_offsets).with(was_stamps).with(was_floors).with(types);
    call.with(oldest.cells).with(ended.cells).with(crowded.cells)
}

fn insert_jobs(jobs: Vec<(Held, Option<Payload>)>) -> Result<Vec<Call>, Error> {
    let mut columns = Jobs::default();
    let (mut inputs, mut content_types, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tenants, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (mut labelled, mut labelled_topics) = (Vec::new(), Vec::new());
    for (held, input) in jobs {
        columns.push(&held)?;
        if let Some(input) = input {
            inputs.push(held.topic);
            content_types.push(input.content_type);
            data.push(input.data.to_vec());
        }
        let spec = &held.record.job.spec;
        for (key, value) in &spec.labels {
            tenants.push(spec.tenant.clone());
            keys.push(key.clone());
            values.push(value.clone());
            labelled.push(spec.id.clone());
            labelled_topics.push(held.topic);
        }
    }
    let mut calls = columns.calls();
    if !inputs.is_empty() {
        let sql = "INSERT INTO job_input
             SELECT * FROM unnest(?1::bigint[], ?2::text[], ?3::bytea[])";
        calls.push(Call::new(sql).with(inputs).with(content_types).with(data));
    }
    if !keys.is_empty() {
        let sql = "INSERT INTO job_label
             SELECT * FROM unnest(?1::text[], ?2::text[], ?3::text[], ?4::text[], ?5::bigint[])";
        let call = Call::new(sql).with(tenants).with(keys).with(values);
        calls.push(call.with(labelled).with(labelled_topics));
    }
    Ok(calls)
}

/// New jobs, column by column.
#[derive(Debug, Default)]
struct Jobs {
    topics: Vec<i64>,
    ids: Vec<String>,
    tenants: Vec<String>,
    owners: Vec<String>,
    projects: Vec<Option<String>>,
    kinds: Vec<String>,
    states: Vec<i64>,
    priorities: Vec<i64>,
    run_ats: Vec<i64>,
    fairness_keys: Vec<String>,
    pins: Vec<String>,
    free: Vec<i64>,
    deadlines: Vec<Option<i64>>,
    docs: Vec<Vec<u8>>,
}

impl Jobs {
    fn push(&mut self, held: &Held) -> Result<(), Error> {
        let record = &*held.record;
        let spec = &record.job.spec;
        self.topics.push(held.topic);
        self.ids.push(spec.id.clone());
        self.tenants.push(spec.tenant.clone());
        self.owners.push(spec.owner.clone());
        self.projects.push(spec.project.clone());
        self.kinds.push(spec.kind.clone());
        self.states.push(codec::state_number(record.job.state));
        self.priorities.push(i64::from(spec.priority));
        self.run_ats.push(signed(record.job.run_at.0));
        self.fairness_keys.push(fairness_key(record));
        self.pins.push(spec.pinned_worker.clone().unwrap_or_default());
        self.free.push(i64::from(is_free(record)));
        self.deadlines.push(record.deadline().map(|at| signed(at.0)));
        self.docs.push(codec::to_json(record)?);
        Ok(())
    }

    fn calls(self) -> Vec<Call> {
        let records = "INSERT INTO job_record SELECT * FROM unnest(?1::bigint[], ?2::bytea[])";
        let records = Call::new(records).with(self.topics.clone()).with(self.docs);
        let sql = "INSERT INTO job(topic, job_id, tenant, owner, project, kind, state, priority,
               run_at, fairness_key, pinned_worker, is_free, deadline)
             SELECT * FROM unnest(?1::bigint[], ?2::text[], ?3::text[], ?4::text[], ?5::text[],
               ?6::text[], ?7::bigint[], ?8::bigint[], ?9::bigint[], ?10::text[], ?11::text[],
               ?12::bigint[], ?13::bigint[])";
        let jobs = Call::new(sql)
            .with(self.topics)
            .with(self.ids)
            .with(self.tenants)
            .with(self.owners)
            .with(self.projects)
            .with(self.kinds)
            .with(self.states)
            .with(self.priorities)
            .with(self.run_ats)
            .with(self.fairness_keys)
            .with(self.pins)
            .with(self.free)
            .with(self.deadlines);
        vec![jobs, records]
    }
}

/// Begins with the rows, as [`WRITE`] does.
pub(super) const MOVE: &str = "UPDATE job SET deadline = w.deadline, run_at = w.run_at, state = w.state,
       is_free = w.is_free
     FROM (SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bigint[], ?5::bigint[])
         AS u(topic, deadline, run_at, state, is_free)
       LIMIT cardinality(?1::bigint[])) AS w
     WHERE job.topic = w.topic";
/// In the same way.
pub(super) const CHANGE: &str = "UPDATE job_record SET doc = w.doc
     FROM (SELECT * FROM unnest(?1::bigint[], ?2::bytea[]) AS u(topic, doc)
       LIMIT cardinality(?1::bigint[])) AS w
     WHERE job_record.topic = w.topic";

fn move_jobs(jobs: &[Held]) -> Call {
    let (mut topics, mut deadlines, mut run_ats) = (Vec::new(), Vec::new(), Vec::new());
    let (mut states, mut free) = (Vec::new(), Vec::new());
    for Held { topic, record } in jobs {
        topics.push(*topic);
        deadlines.push(record.deadline().map(|at| signed(at.0)));
        run_ats.push(signed(record.job.run_at.0));
        states.push(codec::state_number(record.job.state));
        free.push(i64::from(is_free(record)));
    }
    Call::new(MOVE).with(topics).with(deadlines).with(run_ats).with(states).with(free)
}

fn update_records(jobs: &[Held]) -> Result<Call, Error> {
    let topics: Vec<i64> = jobs.iter().map(|held| held.topic).collect();
    let docs: Result<Vec<_>, _> = jobs.iter().map(|held| codec::to_json(&*held.record)).collect();
    Ok(Call::new(CHANGE).with(topics).with(docs?))
}
