//! One transaction of the writer: commands decided in the order of their arrival, each on the state
//! that the one before left. Everything that may refuse comes before a command's first write.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::access as entries;
use super::chain;
use super::failure::Failure;
use super::heads::{Head, Heads};
use super::idempotency;
use super::output;
use super::records::{self, Held, Records};
use super::room::Room;
use super::row::signed;
use crate::domain::access;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, Event, NewEvent};
use crate::domain::job::{self, Decision, Limits, Record};
use crate::domain::payload::Payload;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::domain::trace::TraceId;
use crate::store::codec;
use crate::store::commit::{self, Action, Append, Command, Committed, Refusal};

/// What the writer knows without asking the disk.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) heads: Heads,
    pub(super) records: Records,
    /// Topics that hold more than their retention allows.
    pub(super) crowded: HashSet<Topic>,
    pub(super) crowded_is_known: bool,
}

impl Memory {
    pub(super) fn new() -> Memory {
        let (heads, records) = (Heads::new(), Records::new());
        Memory { heads, records, crowded: HashSet::new(), crowded_is_known: false }
    }

    /// Forgets everything, after a rollback: it may be ahead of the disk.
    pub(super) fn clear(&mut self) {
        self.heads.clear();
        self.records.clear();
        self.crowded.clear();
        self.crowded_is_known = false;
    }
}

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Batch<'writer> {
    pub(super) connection: &'writer Connection,
    pub(super) memory: &'writer mut Memory,
    pub(super) retentions: &'writer Retentions,
    pub(super) limits: &'writer Limits,
    pub(super) stamp: u32,
    pub(super) now: Time,
    /// In commit order.
    pub(super) events: Vec<Arc<Event>>,
}

impl Batch<'_> {
    /// Decides a command and writes what it comes to.
    pub(super) fn apply(&mut self, command: Command) -> Result<Committed, Failure> {
        let Command { action, idempotency, trace } = command;
        if let Some(known) = &idempotency
            && let Some(outcome) = idempotency::lookup(self, known)?
        {
            return Ok(outcome);
        }
        let outcome = match action {
            Action::Publish { topic, events, expected_offset } => {
                self.publish(topic, events, expected_offset, trace)?
            }
            Action::CreateJob { spec, input, taker } => {
                let mut decision = Record::create(*spec);
                if let Some(taker) = taker
                    && self.has_room(&decision.record)?
                {
                    decision.give_to(taker, self.now);
                }
                self.create_job(decision, input.as_ref(), trace)?
            }
            Action::Job { job_id, command } => self.change_job(&job_id, command, trace)?,
            Action::Access(command) => self.change_access(command, trace)?,
            Action::Session(action) => self.change_session(*action, trace)?,
        };
        if let Some(new) = &idempotency {
            idempotency::remember(self.connection, new, &outcome)?;
        }
        Ok(outcome)
    }

    fn publish(
        &mut self,
        topic: Topic,
        events: Vec<NewEvent>,
        expected: Option<u64>,
        trace: Option<TraceId>,
    ) -> Result<Committed, Failure> {
        if let Some(expected) = expected {
            let head = self.memory.heads.get(self.connection, &topic)?.cursor.offset;
            if head != expected {
                return Err(Refusal::OffsetConflict { head, expected }.into());
            }
        }
        let before = self.events.len();
        if !events.is_empty() {
            self.append_to(topic, events, trace)?;
        }
        let cursors = self.events[before..].iter().map(|event| event.cursor).collect();
        Ok(Committed::Published { cursors, is_replay: false })
    }

    fn create_job(
        &mut self,
        decision: Decision,
        input: Option<&Payload>,
        trace: Option<TraceId>,
    ) -> Result<Committed, Failure> {
        let Decision { record, entries } = decision;
        let job_id = &record.job.spec.id;
        if self.memory.records.get(self.connection, job_id)?.is_some() {
            let problem = format!("{job_id} is taken");
            return Err(Refusal::Job(job::Refusal::Invalid { field: "job_id", problem }).into());
        }
        let topic = topic_of(&record)?;
        self.append(commit::appends(&record.job, entries), trace)?;
        let head = self.memory.heads.touch(self.connection, &topic)?;
        let (id, cursor) = (head.id, head.cursor);
        let held = Held { topic: id, record: Arc::new(record) };
        self.memory.records.insert(self.connection, &held, input)?;
        Ok(Committed::Job { record: held.record, cursor, is_replay: false })
    }

    fn change_job(
        &mut self,
        job_id: &str,
        command: job::Command,
        trace: Option<TraceId>,
    ) -> Result<Committed, Failure> {
        let held = self.memory.records.get(self.connection, job_id)?;
        let old = held.as_ref().map(|held| &*held.record);
        if let (Some(old), job::Command::Lease { .. }) = (old, &command)
            && !self.has_room(old)?
        {
            return Err(Refusal::Job(job::Refusal::NotFree).into());
        }
        let Decision { record, entries } = commit::decide_job(old, job_id, command, self.now)?;
        let held = held.ok_or_else(|| Refusal::JobNotFound(job_id.into()))?;
        let topic = topic_of(&record)?;
        if !entries.is_empty() {
            self.append(commit::appends(&record.job, entries), trace)?;
        }
        let Held { topic: id, record: old } = held;
        let held = Held { topic: id, record: Arc::new(record) };
        if *old != *held.record {
            self.memory.records.update(self.connection, &old, &held)?;
        }
        if held.record.job.state.is_final() && !old.job.state.is_final() {
            self.memory.heads.touch(self.connection, &topic)?.end(Some(self.now));
        }
        let cursor = self.memory.heads.get(self.connection, &topic)?.cursor;
        Ok(Committed::Job { record: held.record, cursor, is_replay: false })
    }

    fn change_access(
        &mut self,
        command: access::Command,
        trace: Option<TraceId>,
    ) -> Result<Committed, Failure> {
        let key = command.key();
        let known = match &key {
            Some(key) => entries::get(self.connection, key)?,
            None => None,
        };
        let old = known.clone();
        let access::Decision { entry, change } =
            access::decide(known, command, self.now).map_err(Refusal::Access)?;
        let append = change.map(|change| commit::access_append(&change)).transpose()?;
        if let Some(key) = &key {
            entries::put(self.connection, key, entry.as_ref())?;
        }
        let cursor = match append {
            Some(append) => {
                let topic = append.topic.clone();
                self.append(vec![append], trace)?;
                Some(self.memory.heads.get(self.connection, &topic)?.cursor)
            }
            None => None,
        };
        Ok(Committed::Access { entry: entry.or(old), cursor })
    }

    /// Whether the limits of its kind let one more job like this one go to a worker.
    fn has_room(&self, job: &Record) -> Result<bool, Failure> {
        let key = records::fairness_key(job);
        Room::new(self.connection, self.limits).has(&job.job.spec.kind, &key)
    }

    /// Appends to several topics. A head that cannot be read refuses the command, so all are read before
    /// the first write.
    pub(super) fn append(
        &mut self,
        appends: Vec<Append>,
        trace: Option<TraceId>,
    ) -> Result<(), Failure> {
        for append in &appends {
            self.memory.heads.get(self.connection, &append.topic)?;
        }
        for Append { topic, events } in appends {
            self.append_to(topic, events, trace)?;
        }
        Ok(())
    }

    fn append_to(
        &mut self,
        topic: Topic,
        events: Vec<NewEvent>,
        trace: Option<TraceId>,
    ) -> Result<(), Failure> {
        let head = self.memory.heads.touch(self.connection, &topic)?;
        for NewEvent { kind, body } in events {
            let cursor = Cursor { offset: head.cursor.offset + 1, stamp: self.stamp };
            let topic = topic.clone();
            let event = Event { topic, cursor, time: self.now, trace, kind, body };
            insert(self.connection, head, &event)?;
            self.events.push(Arc::new(event));
        }
        if self.retentions.is_passed(topic.kind(), head.events(), head.bytes) {
            self.memory.crowded.insert(topic);
        }
        Ok(())
    }
}

/// Writes an event, what leads to it, and moves the head.
fn insert(connection: &Connection, head: &mut Head, event: &Event) -> Result<(), Failure> {
    let (form, body) = codec::encode(&event.body).map_err(Failure::Broken)?;
    let offset = event.cursor.offset;
    let row = connection
        .prepare_cached(
            "INSERT INTO event(topic, \"offset\", previous, stamp, time, form, type, trace, body)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .insert(params![
            head.id,
            signed(offset),
            head.last,
            event.cursor.stamp,
            signed(event.time.0),
            form as i64,
            &*event.kind,
            event.trace,
            &body[..],
        ])?;
    chain::mark(connection, head.id, offset, row)?;
    if let Body::Job(job::Entry {
        attempt,
        event: job::Event::Output { channel, offset: start, .. },
        ..
    }) = &event.body
        && head.output.want(*attempt, channel, offset)
    {
        output::mark(connection, head.id, (*attempt, channel), *start, offset)?;
    }
    head.advance(event, row, body.len() as u64);
    Ok(())
}

/// The topic of a job. Names are checked when a job is created.
fn topic_of(record: &Record) -> Result<Topic, Failure> {
    commit::job_topic(&record.job).map_err(|_| {
        let problem = "must be a name".to_owned();
        Refusal::Job(job::Refusal::Invalid { field: "job_id", problem }).into()
    })
}
