//! Reading topics.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::chain::Chain;
use super::failure::Failure;
use super::row;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::Event;
use crate::domain::topic::Topic;
use crate::store::types::Types;
use crate::store::{Page, PageLimit, Position};

/// A topic's row, as a reader sees it.
pub(super) struct Row {
    id: i64,
    head: Cursor,
    last: i64,
    floor: u64,
    bytes: u64,
    types: String,
}

impl Row {
    pub(super) fn chain<'topic>(&self, topic: &'topic Topic) -> Chain<'topic> {
        let Row { id, head, last, floor, .. } = *self;
        Chain { topic, id, floor, head: head.offset, last }
    }
}

/// Where a topic stands, if anybody has written to it.
pub(super) fn find(connection: &Connection, topic: &Topic) -> Result<Option<Row>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, head, stamp, floor, bytes, types, last
         FROM topic JOIN topic_head ON topic = id
         WHERE kind = ?1 AND tenant = ?2 AND name = ?3",
    )?;
    let key = params![row::kind_number(topic.kind()), topic.tenant(), topic.name()];
    let found = statement.query_row(key, |found| {
        Ok(Row {
            id: found.get(0)?,
            head: row::cursor(found, 1)?,
            floor: row::unsigned(found, 3)?,
            bytes: row::unsigned(found, 4)?,
            types: found.get(5)?,
            last: found.get(6)?,
        })
    });
    Ok(found.optional()?)
}

/// A contiguous piece of a topic.
pub(super) fn page(
    connection: &Connection,
    topic: &Topic,
    after: u64,
    limit: PageLimit,
) -> Result<Page, Failure> {
    let Some(found) = find(connection, topic)? else {
        let (events, before) = (Vec::new(), None);
        return Ok(Page { events, head: Cursor::START, floor: 0, before });
    };
    let (chain, head, floor) = (found.chain(topic), found.head, found.floor);
    // Whoever has all that there is costs no search.
    let before = match after == head.offset {
        true => Some(head.stamp),
        false => stamp_at(connection, &chain, after)?,
    };
    let mut last = after.max(floor);
    let mut events = Vec::new();
    let mut bytes = 0;
    loop {
        let piece = chain.piece(connection, last)?;
        if piece.is_empty() {
            return Ok(Page { events, head, floor, before });
        }
        for row in piece {
            let (event, size) = event(connection, &chain, last + 1, row)?;
            last += 1;
            bytes += size;
            events.push(Arc::new(event));
            if events.len() >= limit.events || bytes >= limit.bytes {
                return Ok(Page { events, head, floor, before });
            }
        }
    }
}

/// The event in a row that the chain led to, and the size of its body.
fn event(
    connection: &Connection,
    chain: &Chain<'_>,
    offset: u64,
    row: i64,
) -> Result<(Event, usize), Failure> {
    let mut statement = connection.prepare_cached(row::EVENT_BY_ID)?;
    let mut rows = statement.query([row])?;
    let found = rows.next()?.ok_or_else(|| chain.hole(offset))?;
    row::event(found, chain.topic)
}

/// Where a topic stands.
pub(super) fn position(
    connection: &Connection,
    topic: &Topic,
    cursor: Option<Cursor>,
) -> Result<Position, Failure> {
    let Some(found) = find(connection, topic)? else {
        let (head, floor) = (Cursor::START, 0);
        let resume = cursor.map(|cursor| Resume::judge(cursor, floor, head, None));
        return Ok(Position { head, floor, bytes: 0, resume });
    };
    let Row { head, floor, bytes, .. } = found;
    let mut resume = None;
    if let Some(cursor) = cursor {
        let stamp = stamp_at(connection, &found.chain(topic), cursor.offset)?;
        resume = Some(Resume::judge(cursor, floor, head, stamp));
    }
    Ok(Position { head, floor, bytes, resume })
}

/// The stamp of the event at `offset`, if it is retained.
fn stamp_at(
    connection: &Connection,
    chain: &Chain<'_>,
    offset: u64,
) -> Result<Option<u32>, Failure> {
    let Some(row) = chain.find(connection, offset)? else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT stamp FROM event WHERE id = ?1")?;
    Ok(statement.query_row([row], |found| found.get(0)).optional()?)
}

/// The last event of each type, oldest first.
pub(super) fn last_values(
    connection: &Connection,
    topic: &Topic,
    limit: usize,
) -> Result<(Cursor, Vec<Event>), Failure> {
    let Some(found) = find(connection, topic)? else { return Ok((Cursor::START, Vec::new())) };
    let newest = Types::read(&found.types)?.newest(found.floor, limit);
    let chain = found.chain(topic);
    let mut events = Vec::with_capacity(newest.len());
    for offset in newest {
        let row = chain.find(connection, offset)?.ok_or_else(|| chain.hole(offset))?;
        events.push(event(connection, &chain, offset, row)?.0);
    }
    Ok((found.head, events))
}
