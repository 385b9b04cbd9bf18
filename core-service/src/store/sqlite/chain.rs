//! A topic's events as a chain: each row names the one before it, the head names the last, and every
//! so many are marked. To find an event is to step back from the mark after it.
//!
//! An index over all events finds them a little sooner, but a commit to a thousand topics then writes
//! a page of it for each: most of what it writes at all.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::row::{self, signed};
use crate::domain::topic::Topic;
use crate::store::Error;

/// Offsets from one mark to the next: a reader steps back over fewer. The schema's migration knows it.
pub(super) const MARK_EVERY: u64 = 64;

/// Where a topic's chain lies: its retained events are `(floor, head]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain<'topic> {
    pub(super) topic: &'topic Topic,
    /// The topic's row.
    pub(super) id: i64,
    pub(super) floor: u64,
    pub(super) head: u64,
    /// The row of the event at the head.
    pub(super) last: i64,
}

impl Chain<'_> {
    /// Rows of the events that follow `after`, up to the next mark, oldest first. None is missing; an
    /// empty piece means that nothing follows.
    pub(super) fn piece(&self, connection: &Connection, after: u64) -> Result<Vec<i64>, Failure> {
        let first = after.max(self.floor) + 1;
        let mut rows = Vec::new();
        if first > self.head {
            return Ok(rows);
        }
        let (mut at, mut row) = self.mark(connection, first)?;
        let mut links = Links::of(connection)?;
        loop {
            let previous = links.previous(self, at, row)?;
            rows.push(row);
            if at == first {
                rows.reverse();
                return Ok(rows);
            }
            (at, row) = (at - 1, previous);
        }
    }

    /// The row of the event at `offset`, if it is retained.
    pub(super) fn find(
        &self,
        connection: &Connection,
        offset: u64,
    ) -> Result<Option<i64>, Failure> {
        if offset <= self.floor || offset > self.head {
            return Ok(None);
        }
        let (mut at, mut row) = self.mark(connection, offset)?;
        let mut links = Links::of(connection)?;
        while at > offset {
            (at, row) = (at - 1, links.previous(self, at, row)?);
        }
        Ok(Some(row))
    }

    /// The nearest known row at or after `offset`: of a mark, or of the head.
    fn mark(&self, connection: &Connection, offset: u64) -> Result<(u64, i64), Failure> {
        let mut statement = connection.prepare_cached(
            "SELECT \"offset\", event FROM event_mark WHERE topic = ?1 AND \"offset\" >= ?2
             ORDER BY \"offset\" LIMIT 1",
        )?;
        let marked = statement.query_row(params![self.id, signed(offset)], |found| {
            Ok((row::unsigned(found, 0)?, found.get(1)?))
        });
        Ok(marked.optional()?.unwrap_or((self.head, self.last)))
    }

    /// A hole is damage, and told: never a shorter log.
    pub(super) fn hole(&self, offset: u64) -> Failure {
        Error::Damaged(format!("event {offset} of {} is missing", self.topic)).into()
    }
}

/// Marks an event that was appended, if its turn has come.
pub(super) fn mark(
    connection: &Connection,
    topic: i64,
    offset: u64,
    event: i64,
) -> Result<(), Failure> {
    if offset.is_multiple_of(MARK_EVERY) {
        connection
            .prepare_cached("INSERT INTO event_mark VALUES(?1, ?2, ?3)")?
            .execute(params![topic, signed(offset), event])?;
    }
    Ok(())
}

/// Removes the marks of events that are gone.
pub(super) fn unmark(connection: &Connection, topic: i64, floor: u64) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM event_mark WHERE topic = ?1 AND \"offset\" <= ?2")?
        .execute(params![topic, signed(floor)])?;
    Ok(())
}

/// Steps back.
struct Links<'connection>(CachedStatement<'connection>);

impl Links<'_> {
    fn of(connection: &Connection) -> Result<Links<'_>, Failure> {
        let sql = "SELECT topic, \"offset\", previous FROM event WHERE id = ?1";
        Ok(Links(connection.prepare_cached(sql)?))
    }

    /// The row before `row`, which must be the topic's event at `offset`.
    fn previous(&mut self, chain: &Chain<'_>, offset: u64, row: i64) -> Result<i64, Failure> {
        let found = self.0.query_row([row], |found| {
            Ok((found.get::<_, i64>(0)?, row::unsigned(found, 1)?, found.get(2)?))
        });
        match found.optional()? {
            Some((topic, at, previous)) if topic == chain.id && at == offset => Ok(previous),
            Some(_) | None => Err(chain.hole(offset)),
        }
    }
}
