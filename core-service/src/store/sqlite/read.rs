//! Reading topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::row::{self, signed};
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::Event;
use crate::domain::topic::Topic;
use crate::store::{Error, Page, PageLimit, Position, codec};

/// A topic's row, as a reader sees it.
struct Row {
    id: i64,
    head: Cursor,
    floor: u64,
    bytes: u64,
    types: String,
}

fn find(connection: &Connection, topic: &Topic) -> Result<Option<Row>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, head, stamp, floor, bytes, types
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
        })
    });
    Ok(found.optional()?)
}

/// A contiguous piece. A hole is damage, and told: never a shorter log.
pub(super) fn page(
    connection: &Connection,
    topic: &Topic,
    after: u64,
    limit: PageLimit,
) -> Result<Page, Failure> {
    let Some(found) = find(connection, topic)? else {
        return Ok(Page { events: Vec::new(), head: Cursor::START, floor: 0 });
    };
    let Row { id, head, floor, .. } = found;
    let mut last = after.max(floor);
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {}, length(e.body) FROM event e
         WHERE e.topic = ?1 AND e.\"offset\" > ?2 ORDER BY e.\"offset\" LIMIT ?3",
        row::EVENT
    ))?;
    let count = limit.events.max(1);
    let mut rows = statement.query(params![id, signed(last), signed(count as u64)])?;
    while bytes < limit.bytes || events.is_empty() {
        let Some(found) = rows.next()? else { break };
        let event = row::event(found, topic)?;
        if event.cursor.offset != last + 1 {
            return Err(hole(topic, last + 1));
        }
        last += 1;
        bytes += usize::try_from(row::unsigned(found, 7)?).unwrap_or(usize::MAX);
        events.push(Arc::new(event));
    }
    let is_cut = events.len() >= count || bytes >= limit.bytes;
    if last < head.offset && !is_cut {
        return Err(hole(topic, last + 1));
    }
    Ok(Page { events, head, floor })
}

fn hole(topic: &Topic, offset: u64) -> Failure {
    Error::Damaged(format!("event {offset} of {topic} is missing")).into()
}

/// Where a topic stands.
pub(super) fn position(
    connection: &Connection,
    topic: &Topic,
    cursor: Option<Cursor>,
) -> Result<Position, Failure> {
    let found = find(connection, topic)?;
    let (id, head, floor, bytes) =
        found.map_or((0, Cursor::START, 0, 0), |row| (row.id, row.head, row.floor, row.bytes));
    let mut resume = None;
    if let Some(cursor) = cursor {
        let stamp_at = connection
            .prepare_cached("SELECT stamp FROM event WHERE topic = ?1 AND \"offset\" = ?2")?
            .query_row(params![id, signed(cursor.offset)], |found| found.get(0))
            .optional()?;
        resume = Some(Resume::judge(cursor, floor, head, stamp_at));
    }
    Ok(Position { head, floor, bytes, resume })
}

/// The last event of each type, oldest first.
pub(super) fn last_values(
    connection: &Connection,
    topic: &Topic,
    limit: usize,
) -> Result<(Cursor, Vec<Event>), Failure> {
    let Some(found) = find(connection, topic)? else { return Ok((Cursor::START, Vec::new())) };
    let types: BTreeMap<String, u64> = codec::from_json(found.types.as_bytes())?;
    let mut offsets: Vec<u64> =
        types.into_values().filter(|offset| *offset > found.floor).collect();
    offsets.sort_unstable();
    let newest = offsets.split_off(offsets.len().saturating_sub(limit));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {} FROM event e WHERE e.topic = ?1 AND e.\"offset\" = ?2",
        row::EVENT
    ))?;
    let mut events = Vec::with_capacity(newest.len());
    for offset in newest {
        let mut rows = statement.query(params![found.id, signed(offset)])?;
        let row = rows.next()?.ok_or_else(|| hole(topic, offset))?;
        events.push(row::event(row, topic)?);
    }
    Ok((found.head, events))
}
