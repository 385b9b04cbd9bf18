//! What this engine keeps in its own way, as the batch asks for it: read ahead under locks, written
//! together at the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::clock;
use super::connection::{Call, Connection};
use super::failure::{Failure, Trouble};
use super::head::{self, Head};
use super::heads::Heads;
use super::pending::{Pending, UNDATED};
use super::plan::Plan;
use super::read;
use super::sql::{cell, read as read_row};
use crate::domain::event::{Event, Linked};
use crate::domain::job::{Record, Spec, Usage};
use crate::domain::payload::Payload;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::batch::{self, Reply};
use crate::store::commit::Idempotency;
use crate::store::job::Held;
use crate::store::{Error, PageLimit, codec};

/// A transaction's rows.
#[derive(Debug)]
pub(super) struct Rows<'lane> {
    connection: &'lane Connection,
    retentions: &'lane Retentions,
    heads: &'lane mut Heads,
    /// Topics that this transaction has made.
    made: Vec<Topic>,
    jobs: HashMap<String, Option<Held>>,
    replies: HashMap<(String, String), Option<Reply>>,
    pending: Pending,
    mark: Mark,
    now: Time,
    is_remembered: bool,
}

/// Who commits what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) stamp: u32,
    pub(super) batch: u64,
}

impl<'lane> Rows<'lane> {
    /// Begins a transaction on what is remembered, which the database compares with what is when it is written;
    /// or locks what is planned, and reads it.
    pub(super) fn begin(
        connection: &'lane Connection,
        retentions: &'lane Retentions,
        heads: &'lane mut Heads,
        plan: &Plan,
        mark: Mark,
    ) -> Result<Rows<'lane>, Failure> {
        connection.begin_writing();
        let mut rows = Rows {
            connection,
            retentions,
            heads,
            made: Vec::new(),
            jobs: HashMap::new(),
            replies: HashMap::new(),
            pending: Pending::default(),
            mark,
            now: UNDATED,
            is_remembered: plan.is_remembered,
        };
        if !plan.is_remembered {
            rows.lock(plan)?;
        }
        Ok(rows)
    }

    fn lock(&mut self, plan: &Plan) -> Result<(), Failure> {
        let opening = opening(plan);
        let is_sent = opening.each_ref().map(Option::is_some);
        let calls = opening.into_iter().flatten().collect();
        let mut found = self.connection.pipeline(calls).map_err(Failure::Engine)?.into_iter();
        let mut answer =
            |is_sent: bool| is_sent.then(|| found.next()).flatten().unwrap_or_default();
        let [_, made, locked, clock, jobs, replies] = is_sent.map(&mut answer);
        let made = if plan.rows.is_empty() {
            take_by_name(self.heads, plan, &locked, &made)
        } else {
            take_by_row(self.heads, plan, &locked).map(|are_there| are_there.then(Vec::new))
        };
        self.made = made?.ok_or(Failure::Engine(Trouble::Unmade))?;
        self.now = match (locked.last(), clock.first()) {
            (Some(last), _) => head::locked_at(last)?,
            (None, Some(row)) => Time(read_row(row)?.unsigned(0)?),
            (None, None) => Time(0),
        };
        self.jobs = plan.jobs.iter().map(|id| (id.clone(), None)).collect();
        for row in &jobs {
            let (id, held) = read_job(row)?;
            self.jobs.insert(id, Some(held));
        }
        self.replies = plan.keys.iter().map(|key| (key.clone(), None)).collect();
        for row in &replies {
            let row = read_row(row)?;
            let expires_at = Time(row.unsigned(4)?);
            let reply =
                Reply { content: row.bytes(2)?.to_vec(), outcome: row.text(3)?, expires_at };
            self.replies.insert((row.text(0)?, row.text(1)?), Some(reply));
        }
        Ok(())
    }

    /// The database's time, once the locks were had.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Whether it goes by what may not be so any more.
    pub(super) fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    /// Ends the transaction: durable when it returns. Nothing to write, nothing to wait for. A topic that
    /// was made for a command which then had no use for it does not stay. Answers when that was.
    pub(super) fn commit(mut self) -> Result<Time, Failure> {
        if self.is_written() && !self.connection.has_written() {
            self.heads.forget(&self.made);
            self.connection.end().map_err(Failure::Engine)?;
            return Ok(self.now);
        }
        let mut calls = self.calls()?;
        let spare = self.spare()?;
        if !spare.is_empty() {
            calls.push(Call::new(UNMAKE).with(spare));
        }
        let answers = self.connection.pipeline_and_commit(calls).map_err(Failure::Engine)?;
        if self.is_remembered {
            // Of all the statements this one answers with a row.
            let told =
                answers.iter().flatten().next().map(|row| cell::<i64>(row, 0)).transpose()?;
            self.now = told.map_or(self.now, |at| Time(at.unsigned_abs()));
        }
        Ok(self.now)
    }

    /// Whether nothing is held back.
    fn is_written(&self) -> bool {
        self.pending.is_empty() && !self.heads.have_changed()
    }

    /// The statements that write what is held back.
    fn calls(&mut self) -> Result<Vec<Call>, Failure> {
        let moved = self.heads.moved()?;
        self.pending.calls(self.mark, moved).map_err(Failure::Broken)
    }

    /// Rows of topics that were made and are not needed, which are not known from then on.
    fn spare(&mut self) -> Result<Vec<i64>, Failure> {
        let mut rows = Vec::new();
        for topic in std::mem::take(&mut self.made) {
            let head = self.heads.get(&topic)?;
            if head.is_spare {
                rows.push(head.stand.id);
                self.heads.forget([&topic]);
            }
        }
        Ok(rows)
    }
}

/// Takes the heads of rows that are known, in their order; false if one of them is not its topic's.
fn take_by_row(
    heads: &mut Heads,
    plan: &Plan,
    locked: &[tokio_postgres::Row],
) -> Result<bool, Error> {
    for ((id, topic), row) in plan.rows.iter().zip(locked) {
        let head = Head::read(row)?;
        if head.stand.id != *id || head::key_of(row)? != head::key(topic) {
            return Ok(false);
        }
        heads.take(topic, head);
    }
    Ok(locked.len() == plan.rows.len())
}

/// Takes the heads of rows that were found by name; answers which of them this transaction has made, and
/// nothing if one is missing.
fn take_by_name(
    heads: &mut Heads,
    plan: &Plan,
    locked: &[tokio_postgres::Row],
    made: &[tokio_postgres::Row],
) -> Result<Option<Vec<Topic>>, Error> {
    let topics: HashMap<_, _> = plan.topics.iter().map(|topic| (head::key(topic), topic)).collect();
    let made = made.iter().map(|row| cell::<i64>(row, 0));
    let made: HashSet<i64> = made.collect::<Result<_, Error>>()?;
    let (mut taken, mut spare) = (0, Vec::new());
    for row in locked {
        let Some(topic) = topics.get(&head::key_of(row)?) else { continue };
        let mut head = Head::read(row)?;
        if made.contains(&head.stand.id) {
            head.is_spare = true;
            spare.push(Topic::clone(topic));
        }
        heads.take(topic, head);
        taken += 1;
    }
    Ok((taken == plan.topics.len()).then_some(spare))
}

/// Makes topics that are not there; answers their rows.
pub(super) const MAKE: &str = "INSERT INTO topic(kind, tenant, name)
     SELECT w.kind, w.tenant, w.name
     FROM unnest(?1::bigint[], ?2::text[], ?3::text[]) AS w(kind, tenant, name)
     WHERE (SELECT id FROM topic t
       WHERE t.kind = w.kind AND t.tenant = w.tenant AND t.name = w.name) IS NULL
     ON CONFLICT DO NOTHING RETURNING id";
/// Takes topics back.
pub(super) const UNMAKE: &str = "DELETE FROM topic WHERE id = ANY(?1::bigint[])";
/// Jobs, each looked for by its id: a join might begin with the table, while that is small.
pub(super) const JOBS: &str =
    "SELECT j.job_id, j.topic, r.doc FROM unnest(?1::text[]) AS w(job_id),
     LATERAL (SELECT job_id, topic FROM job WHERE job_id = w.job_id OFFSET 0) j,
     LATERAL (SELECT doc FROM job_record WHERE topic = j.topic OFFSET 0) r";
/// In the same way.
pub(super) const REPLIES: &str = "SELECT i.* FROM unnest(?1::text[], ?2::text[]) AS w(scope, key),
     LATERAL (SELECT scope, key, content, reply, expires_at FROM idempotency
       WHERE scope = w.scope AND key = w.key OFFSET 0) i";

/// What begins every transaction, in this order: names, topics; and only then, in statements of their
/// own, what the locks guard. A read in the locking statement would be stale. What the plan has nothing
/// for is not sent.
fn opening(plan: &Plan) -> [Option<Call>; 6] {
    let locks = (!plan.locks.is_empty()).then(|| {
        Call::new("SELECT pg_advisory_xact_lock(name) FROM unnest(?1::bigint[]) name")
            .with(plan.locks.iter().copied().collect::<Vec<i64>>())
    });
    let made = plan.makes_topics.then(|| named(MAKE, plan));
    let heads = if !plan.rows.is_empty() {
        let ids: Vec<i64> = plan.rows.iter().map(|(id, _)| *id).collect();
        Some(Call::new(head::LOCK).with(ids))
    } else {
        (!plan.topics.is_empty()).then(|| named(head::LOCK_BY_NAME, plan))
    };
    let clock = heads.is_none().then(|| Call::new(clock::NOW));
    let jobs = (!plan.jobs.is_empty()).then(|| Call::new(JOBS).with(plan.jobs.clone()));
    let replies = (!plan.keys.is_empty()).then(|| {
        let (scopes, keys): (Vec<String>, Vec<String>) = plan.keys.iter().cloned().unzip();
        Call::new(REPLIES).with(scopes).with(keys)
    });
    [locks, made, heads, clock, jobs, replies]
}

/// A statement about the planned topics, by name.
fn named(sql: &'static str, plan: &Plan) -> Call {
    let mut topics: Vec<_> = plan.topics.iter().map(head::key).collect();
    topics.sort_unstable();
    let kinds: Vec<i64> = topics.iter().map(|(kind, ..)| *kind).collect();
    let tenants: Vec<String> = topics.iter().map(|(_, tenant, _)| (*tenant).to_owned()).collect();
    let names: Vec<String> = topics.iter().map(|(.., name)| (*name).to_owned()).collect();
    Call::new(sql).with(kinds).with(tenants).with(names)
}

fn read_job(row: &tokio_postgres::Row) -> Result<(String, Held), Error> {
    let row = read_row(row)?;
    let record = codec::from_json(&row.bytes(2)?)?;
    Ok((row.text(0)?, Held { topic: row.number(1)?, record: Arc::new(record) }))
}

impl batch::Rows for Rows<'_> {
    type Sql = Connection;

    fn sql(&self) -> &Connection {
        self.connection
    }

    fn head(&mut self, topic: &Topic) -> Result<batch::Head, Failure> {
        Ok(self.heads.get(topic)?.stand)
    }

    fn touch(&mut self, topic: &Topic) -> Result<batch::Head, Failure> {
        Ok(self.heads.change(topic)?.stand)
    }

    fn append(&mut self, topic: &Topic, events: &[Linked]) -> Result<(), Failure> {
        let head = self.heads.change(topic)?;
        for Linked { event, .. } in events {
            let bytes = self.pending.event(head.stand.id, event).map_err(Failure::Broken)?;
            head.advance(event, bytes);
        }
        head.is_crowded |= self.retentions.is_passed(topic.kind(), head.events(), head.bytes);
        Ok(())
    }

    fn end(&mut self, topic: &Topic, at: Time) -> Result<(), Failure> {
        self.heads.change(topic)?.stand.ended_at = Some(at);
        Ok(())
    }

    fn events(
        &mut self,
        topic: &Topic,
        after: u64,
        limit: PageLimit,
    ) -> Result<Vec<Arc<Event>>, Failure> {
        self.flush()?;
        Ok(read::page(self.connection, topic, after, limit)?.events)
    }

    fn job(&mut self, job_id: &str) -> Result<Option<Held>, Failure> {
        if let Some(known) = self.jobs.get(job_id) {
            return Ok(known.clone());
        }
        let found = self.connection.query(
            "SELECT j.job_id, j.topic, r.doc FROM job j JOIN job_record r ON r.topic = j.topic
             WHERE j.job_id = ?1",
            &[&job_id],
        );
        let found = found.map_err(Failure::Engine)?;
        let held = found.first().map(read_job).transpose()?.map(|(_, held)| held);
        self.jobs.insert(job_id.to_owned(), held.clone());
        Ok(held)
    }

    fn insert_job(&mut self, held: &Held, input: Option<&Payload>) -> Result<(), Failure> {
        self.jobs.insert(held.record.job.spec.id.clone(), Some(held.clone()));
        self.pending.insert_job(held, input);
        Ok(())
    }

    fn update_job(&mut self, old: &Record, held: &Held) -> Result<(), Failure> {
        self.jobs.insert(held.record.job.spec.id.clone(), Some(held.clone()));
        self.pending.update_job(old, held);
        Ok(())
    }

    fn add_usage(&mut self, spec: &Spec, more: &Usage) -> Result<(), Failure> {
        self.pending.add_usage(spec, more);
        Ok(())
    }

    fn reply(&mut self, asked: &Idempotency) -> Result<Option<Reply>, Failure> {
        let key = (asked.scope.clone(), asked.key.clone());
        Ok(self.replies.get(&key).cloned().flatten())
    }

    fn put_reply(&mut self, new: &Idempotency, reply: String) -> Result<(), Failure> {
        let key = (new.scope.clone(), new.key.clone());
        let known = Reply {
            content: new.content.to_vec(),
            outcome: reply.clone(),
            expires_at: new.expires_at,
        };
        if self.replies.insert(key.clone(), Some(known)).flatten().is_some() {
            self.pending.expire(key);
        }
        self.pending.key(new, reply);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.is_written() {
            return Ok(());
        }
        let calls = self.calls()?;
        self.connection.note_write();
        self.connection.pipeline(calls).map_err(Failure::Engine)?;
        Ok(())
    }
}
