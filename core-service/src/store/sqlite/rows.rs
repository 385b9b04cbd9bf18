//! What this engine keeps in its own way, as the batch asks for it: the newest of it in memory.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::chain;
use super::crowded::Crowded;
use super::failure::Failure;
use super::heads::{self, Heads};
use super::output;
use super::read;
use super::records::Records;
use super::row::signed;
use super::usage;
use crate::domain::event::{Body, Event, Linked};
use crate::domain::job::{Record, Spec, Usage};
use crate::domain::payload::Payload;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::batch::{self, Head, Reply};
use crate::store::commit::Idempotency;
use crate::store::job::Held;
use crate::store::{Error, PageLimit, codec};

/// Topics that cannot be cleaned and that are passed over. A store with more of them is past help.
const DAMAGED_MAX: usize = 256;

/// What the writer knows without asking the disk.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) heads: Heads,
    pub(super) records: Records,
    pub(super) crowded: Crowded,
    /// Topics that cannot be cleaned.
    pub(super) damaged: HashSet<Topic>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        let (heads, records) = (Heads::new(), Records::new());
        Memory { heads, records, crowded: Crowded::new(), damaged: HashSet::new() }
    }

    /// What was done is durable.
    pub(super) fn commit(&mut self) {
        self.crowded.commit();
    }

    /// What was done is undone: whatever may be ahead of the disk is forgotten.
    pub(super) fn roll_back(&mut self) {
        self.heads.clear();
        self.records.clear();
        self.crowded.roll_back();
    }

    /// What came of cleaning a topic. One that cannot be read is passed over from then on: it must not keep
    /// all others from being cleaned.
    pub(super) fn unless_damaged(
        &mut self,
        topic: &Topic,
        cleaned: Result<(), Failure>,
    ) -> Result<(), Failure> {
        match cleaned {
            Err(Failure::Refused(Error::Damaged(what)) | Failure::Broken(Error::Damaged(what)))
                if self.damaged.len() < DAMAGED_MAX =>
            {
                tracing::error!(what, "a topic cannot be cleaned, and is left as it is");
                self.crowded.relieve(topic);
                self.damaged.insert(topic.clone());
                Ok(())
            }
            other => other,
        }
    }
}

/// A transaction's rows.
#[derive(Debug)]
pub(super) struct Rows<'writer> {
    pub(super) connection: &'writer Connection,
    pub(super) memory: &'writer mut Memory,
    pub(super) retentions: &'writer Retentions,
}

impl From<&heads::Head> for Head {
    fn from(head: &heads::Head) -> Head {
        Head { id: head.id, cursor: head.cursor, ended_at: head.ended_at }
    }
}

impl batch::Rows for Rows<'_> {
    type Sql = Connection;

    fn sql(&self) -> &Connection {
        self.connection
    }

    fn head(&mut self, topic: &Topic) -> Result<Head, Failure> {
        Ok(Head::from(&*self.memory.heads.get(self.connection, topic)?))
    }

    fn touch(&mut self, topic: &Topic) -> Result<Head, Failure> {
        Ok(Head::from(&*self.memory.heads.touch(self.connection, topic)?))
    }

    fn append(&mut self, topic: &Topic, events: &[Linked]) -> Result<(), Failure> {
        let head = self.memory.heads.touch(self.connection, topic)?;
        for Linked { event, .. } in events {
            insert(self.connection, head, event)?;
        }
        if self.retentions.is_passed(topic.kind(), head.events(), head.bytes) {
            self.memory.crowded.note(topic);
        }
        Ok(())
    }

    fn end(&mut self, topic: &Topic, at: Time) -> Result<(), Failure> {
        self.memory.heads.touch(self.connection, topic)?.end(Some(at));
        Ok(())
    }

    fn events(
        &mut self,
        topic: &Topic,
        after: u64,
        limit: PageLimit,
    ) -> Result<Vec<Arc<Event>>, Failure> {
        // What is read must be what this batch has written.
        self.memory.heads.flush(self.connection)?;
        Ok(read::page(self.connection, topic, after, limit)?.events)
    }

    fn job(&mut self, job_id: &str) -> Result<Option<Held>, Failure> {
        self.memory.records.get(self.connection, job_id)
    }

    fn insert_job(&mut self, held: &Held, input: Option<&Payload>) -> Result<(), Failure> {
        self.memory.records.insert(self.connection, held, input)
    }

    fn update_job(&mut self, old: &Record, held: &Held) -> Result<(), Failure> {
        self.memory.records.update(self.connection, old, held)
    }

    fn add_usage(&mut self, spec: &Spec, more: &Usage) -> Result<(), Failure> {
        usage::add(self.connection, spec, more)
    }

    fn reply(&mut self, asked: &Idempotency) -> Result<Option<Reply>, Failure> {
        let mut statement = self.connection.prepare_cached(
            "SELECT content, reply, expires_at FROM idempotency WHERE scope = ?1 AND key = ?2",
        )?;
        let reply = statement.query_row([&asked.scope, &asked.key], |found| {
            let expires_at = Time(super::row::unsigned(found, 2)?);
            Ok(Reply { content: found.get(0)?, outcome: found.get(1)?, expires_at })
        });
        Ok(reply.optional()?)
    }

    fn put_reply(&mut self, new: &Idempotency, reply: String) -> Result<(), Failure> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO idempotency VALUES(?1, ?2, ?3, ?4, ?5)")?
            .execute(params![new.scope, new.key, new.content, reply, signed(new.expires_at.0)])?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.memory.heads.flush(self.connection)
    }
}

/// Writes an event, what leads to it, and moves the head.
fn insert(connection: &Connection, head: &mut heads::Head, event: &Event) -> Result<(), Failure> {
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
    if let Body::Job(entry) = &event.body
        && let Some((channel, start, _)) = entry.event.output()
        && head.output.want(entry.attempt, channel, offset)
    {
        output::mark(connection, head.id, (entry.attempt, channel), start, offset)?;
    }
    head.advance(event, row, body.len() as u64);
    Ok(())
}
