//! One transaction of a writer: commands decided in the order of their arrival, each on the state
//! that the one before left. Everything that may refuse comes before a command's first write.
//!
//! The same for every SQL engine: what differs is how an engine keeps topics and jobs, its [`Rows`].

mod edge;
mod graph;
mod idempotency;
mod presence;
mod session;

use std::sync::Arc;

use crate::domain::access;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Event, Linked, NewEvent};
use crate::domain::job::{self, Decision, Limits, Record, Spec, Usage};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::domain::trace::TraceId;
use crate::store::PageLimit;
use crate::store::commit::{self, Action, Append, Command, Committed, Idempotency, Refusal};
use crate::store::job::{Held, fairness_key};
use crate::store::sql::room::Room;
use crate::store::sql::{Failure, Sql, access as entries};

/// What an engine keeps in its own way: topics with their events, jobs' records, idempotency keys.
/// Each method sees what those before it have written.
pub(crate) trait Rows {
    /// The transaction, for all that the engines have in common.
    type Sql: Sql;

    fn sql(&self) -> &Self::Sql;

    /// Where a topic stands.
    fn head(&mut self, topic: &Topic) -> Step<Head, Self>;

    /// The same of a topic that gets a row if it has none.
    fn touch(&mut self, topic: &Topic) -> Step<Head, Self>;

    /// Appends events that follow the topic's head, and moves it.
    fn append(&mut self, topic: &Topic, events: &[Linked]) -> Step<(), Self>;

    /// Notes when the job, session or project ended that a topic is the log of.
    fn end(&mut self, topic: &Topic, at: Time) -> Step<(), Self>;

    /// Events after an offset.
    fn events(&mut self, topic: &Topic, after: u64, limit: PageLimit) -> Step<Events, Self>;

    /// A job by id.
    fn job(&mut self, job_id: &str) -> Step<Option<Held>, Self>;

    /// A new job, its input and its labels.
    fn insert_job(&mut self, held: &Held, input: Option<&Payload>) -> Step<(), Self>;

    /// Writes a job that has changed.
    fn update_job(&mut self, old: &Record, held: &Held) -> Step<(), Self>;

    /// Counts what a job has used for its project and its session, as far as they are still there.
    fn add_usage(&mut self, spec: &Spec, more: &Usage) -> Step<(), Self>;

    /// What is known of a key.
    fn reply(&mut self, asked: &Idempotency) -> Step<Option<Reply>, Self>;

    /// Writes a key, and what the first request with it came to.
    fn put_reply(&mut self, new: &Idempotency, reply: String) -> Step<(), Self>;

    /// Makes [`Rows::sql`] see what is held back.
    fn flush(&mut self) -> Step<(), Self>;
}

/// Events, in order.
pub(crate) type Events = Vec<Arc<Event>>;

/// What a step of a batch comes to.
pub(crate) type Step<T, R> = Result<T, Fault<R>>;

/// Why a step of a batch failed.
pub(crate) type Fault<R> = Failure<<<R as Rows>::Sql as Sql>::Error>;

/// Where a topic stands in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its row; 0 if it has none.
    pub(crate) id: i64,
    pub(crate) cursor: Cursor,
    /// When that ended which it is the log of.
    pub(crate) ended_at: Option<Time>,
}

/// What a row keeps of the first request with a key.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) content: Vec<u8>,
    pub(crate) outcome: String,
    pub(crate) expires_at: Time,
}

/// A transaction under way.
#[derive(Debug)]
pub(crate) struct Batch<'writer, R> {
    pub(crate) rows: R,
    pub(crate) limits: &'writer Limits,
    pub(crate) stamp: u32,
    pub(crate) now: Time,
    /// In commit order.
    pub(crate) events: Vec<Linked>,
}

impl<R: Rows> Batch<'_, R> {
    /// Decides a command and writes what it comes to. Whoever asks keeps the command: a batch may run again.
    pub(crate) fn apply(&mut self, command: &Command) -> Step<Committed, R> {
        let Command { action, idempotency, trace } = command;
        if let Some(known) = idempotency
            && let Some(outcome) = self.recall(known)?
        {
            return Ok(outcome);
        }
        let outcome = self.carry_out(action, *trace)?;
        if let Some(new) = idempotency {
            self.remember(new, &outcome)?;
        }
        Ok(outcome)
    }

    fn carry_out(&mut self, action: &Action, trace: Option<TraceId>) -> Step<Committed, R> {
        Ok(match action {
            Action::Publish { topic, events, expected_offset } => {
                self.publish(topic, events, *expected_offset, trace)?
            }
            Action::CreateJob { spec, input, taker } => {
                let mut decision = Record::create(Spec::clone(spec));
                if let Some(taker) = taker
                    && self.has_room(&decision.record)?
                {
                    decision.give_to(taker.clone(), self.now);
                }
                self.create_job(decision, input.as_ref(), trace)?
            }
            Action::Job { job_id, command } => self.change_job(job_id, command.clone(), trace)?,
            Action::Access(command) => self.change_access(command.clone(), trace)?,
            Action::Session(action) => self.change_session((**action).clone(), trace)?,
            Action::Audited { action, entry } => {
                let append = commit::audit_append(entry)?;
                self.rows.head(&append.topic)?;
                let outcome = self.carry_out(action, trace)?;
                self.append(vec![append], trace)?;
                outcome
            }
        })
    }

    fn publish(
        &mut self,
        topic: &Topic,
        events: &[NewEvent],
        expected: Option<u64>,
        trace: Option<TraceId>,
    ) -> Step<Committed, R> {
        if let Some(expected) = expected {
            let head = self.rows.head(topic)?.cursor.offset;
            if head != expected {
                return Err(Refusal::OffsetConflict { head, expected }.into());
            }
        }
        let before = self.events.len();
        if !events.is_empty() {
            self.append_to(topic, events.iter().cloned(), trace)?;
        }
        let cursors = self.events[before..].iter().map(|linked| linked.event.cursor).collect();
        Ok(Committed::Published { cursors, is_replay: false })
    }

    fn create_job(
        &mut self,
        decision: Decision,
        input: Option<&Payload>,
        trace: Option<TraceId>,
    ) -> Step<Committed, R> {
        let Decision { record, entries } = decision;
        let job_id = &record.job.spec.id;
        if self.rows.job(job_id)?.is_some() {
            let problem = format!("{job_id} is taken");
            return Err(Refusal::Job(job::Refusal::Invalid { field: "job_id", problem }).into());
        }
        let topic = topic_of(&record)?;
        self.append(commit::appends(&record.job, entries), trace)?;
        let Head { id, cursor, .. } = self.rows.touch(&topic)?;
        let held = Held { topic: id, record: Arc::new(record) };
        self.rows.insert_job(&held, input)?;
        Ok(Committed::Job { record: held.record, cursor, is_replay: false })
    }

    fn change_job(
        &mut self,
        job_id: &str,
        command: job::Command,
        trace: Option<TraceId>,
    ) -> Step<Committed, R> {
        let held = self.rows.job(job_id)?;
        let old = held.as_ref().map(|held| &*held.record);
        if let (Some(old), job::Command::Lease { .. }) = (old, &command)
            && !self.has_room(old)?
        {
            return Err(Refusal::Job(job::Refusal::NotFree).into());
        }
        let Decision { record, entries } = commit::decide_job(old, job_id, command, self.now)?;
        let held = held.ok_or_else(|| Refusal::JobNotFound(job_id.into()))?;
        let topic = topic_of(&record)?;
        // What a worker or the clock does to a job follows from the request that created it.
        let trace = trace.or(record.job.spec.trace);
        if !entries.is_empty() {
            self.append(commit::appends(&record.job, entries), trace)?;
        }
        let Held { topic: id, record: old } = held;
        let held = Held { topic: id, record: Arc::new(record) };
        if *old != *held.record {
            self.rows.update_job(&old, &held)?;
        }
        if old.job.usage != held.record.job.usage {
            let more = held.record.job.usage.since(&old.job.usage);
            self.rows.add_usage(&held.record.job.spec, &more)?;
        }
        if held.record.job.state.is_final() && !old.job.state.is_final() {
            self.rows.end(&topic, self.now)?;
        }
        let cursor = self.rows.head(&topic)?.cursor;
        Ok(Committed::Job { record: held.record, cursor, is_replay: false })
    }

    fn change_access(
        &mut self,
        command: access::Command,
        trace: Option<TraceId>,
    ) -> Step<Committed, R> {
        let key = command.key();
        let known = match &key {
            Some(key) => entries::get(self.rows.sql(), key)?,
            None => None,
        };
        let old = known.clone();
        let access::Decision { entry, change } =
            access::decide(known, command, self.now).map_err(Refusal::Access)?;
        let append = change.map(|change| commit::access_append(&change)).transpose()?;
        if let Some(append) = &append {
            self.rows.head(&append.topic)?;
        }
        if let Some(key) = &key {
            entries::put(self.rows.sql(), key, entry.as_ref())?;
        }
        let cursor = match append {
            Some(append) => {
                let topic = append.topic.clone();
                self.append(vec![append], trace)?;
                Some(self.rows.head(&topic)?.cursor)
            }
            None => None,
        };
        Ok(Committed::Access { entry: entry.or(old).map(Box::new), cursor })
    }

    /// Whether the limits of its kind let one more job like this one go to a worker.
    fn has_room(&mut self, job: &Record) -> Step<bool, R> {
        let kind = &job.job.spec.kind;
        if self.limits.of(kind).is_none() {
            return Ok(true);
        }
        // Jobs are counted in their rows.
        self.rows.flush()?;
        Room::new(self.rows.sql(), self.limits).has(kind, &fairness_key(job))
    }

    /// Appends to several topics. A head that cannot be read refuses the command, so all are read before
    /// the first write.
    fn append(&mut self, appends: Vec<Append>, trace: Option<TraceId>) -> Step<(), R> {
        for append in &appends {
            self.rows.head(&append.topic)?;
        }
        for Append { topic, events } in appends {
            self.append_to(&topic, events, trace)?;
        }
        Ok(())
    }

    fn append_to(
        &mut self,
        topic: &Topic,
        events: impl IntoIterator<Item = NewEvent>,
        trace: Option<TraceId>,
    ) -> Step<(), R> {
        let head = self.rows.head(topic)?.cursor;
        let mut before = head.stamp;
        let first = self.events.len();
        for (offset, NewEvent { kind, body }) in (head.offset + 1..).zip(events) {
            let cursor = Cursor { offset, stamp: self.stamp };
            let topic = topic.clone();
            let event = Arc::new(Event { topic, cursor, time: self.now, trace, kind, body });
            self.events.push(Linked { event, before: Some(before) });
            before = cursor.stamp;
        }
        self.rows.append(topic, &self.events[first..])
    }

    /// Those that were appended since there were so many.
    fn since(&self, first: usize) -> Events {
        self.events[first..].iter().map(|linked| Arc::clone(&linked.event)).collect()
    }
}

/// The topic of a job. Names are checked when a job is created.
fn topic_of<E>(record: &Record) -> Result<Topic, Failure<E>> {
    commit::job_topic(&record.job).map_err(|_| {
        let problem = "must be a name".to_owned();
        Refusal::Job(job::Refusal::Invalid { field: "job_id", problem }).into()
    })
}
