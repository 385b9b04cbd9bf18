//! Reading topics.

use std::sync::Arc;

use bytes::Bytes;
use tokio_postgres::types::ToSql;

use super::connection::Connection;
use super::failure::Failure;
use super::sql::read as read_row;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Body, Event};
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::output::Output;
use crate::store::sql::row::kind_number;
use crate::store::sql::{Row, signed};
use crate::store::types::Types;
use crate::store::{Error, OutputQuery, Page, PageLimit, Piece, Position, codec};

/// Chunks of output that are read at a time.
const CHUNKS: i64 = 32;

/// A topic's row, as a reader sees it.
struct Stand {
    id: i64,
    head: Cursor,
    floor: u64,
    bytes: u64,
    types: String,
    /// The stamp of the event at the offset that was asked about, if it is retained.
    stamp_at: Option<u32>,
}

fn find(connection: &Connection, topic: &Topic, at: u64) -> Result<Option<Stand>, Failure> {
    let found = rows(
        connection,
        "SELECT t.id, t.head, t.stamp, t.floor, t.bytes, t.types,
           (SELECT e.stamp FROM event e WHERE e.topic = t.id AND e.\"offset\" = ?4)
         FROM topic t WHERE t.kind = ?1 AND t.tenant = ?2 AND t.name = ?3",
        &[&kind_number(topic.kind()), &topic.tenant(), &topic.name(), &signed(at)],
    )?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Stand {
        id: row.number(0)?,
        head: row.cursor(1)?,
        floor: row.unsigned(3)?,
        bytes: row.unsigned(4)?,
        types: row.text(5)?,
        stamp_at: row.optional_number(6)?.and_then(|stamp| u32::try_from(stamp).ok()),
    }))
}

fn rows(
    connection: &Connection,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Failure> {
    let found = connection.query(sql, parameters).map_err(Failure::Engine)?;
    Ok(found.iter().map(read_row).collect::<Result<_, _>>()?)
}

/// An event in the columns offset, stamp, time, form, type, trace, body.
fn event(row: &Row, topic: &Topic) -> Result<Event, Error> {
    let trace = row.optional_bytes(5)?.map(|trace| <[u8; 16]>::try_from(&trace[..]));
    let trace = trace.transpose().map_err(|_| Error::Damaged("a trace has no 16 bytes".into()))?;
    Ok(Event {
        topic: topic.clone(),
        cursor: row.cursor(0)?,
        time: Time(row.unsigned(2)?),
        trace,
        kind: row.text(4)?.into(),
        body: codec::decode(row.number(3)?, &row.bytes(6)?)?,
    })
}

/// A contiguous piece of a topic. Bodies beyond the limit are not even sent.
pub(super) fn page(
    connection: &Connection,
    topic: &Topic,
    after: u64,
    limit: PageLimit,
) -> Result<Page, Failure> {
    let Some(stand) = find(connection, topic, after)? else {
        let (events, before) = (Vec::new(), None);
        return Ok(Page { events, head: Cursor::START, floor: 0, before });
    };
    let Stand { id, head, floor, stamp_at: before, .. } = stand;
    let first = after.max(floor) + 1;
    let last = head.offset.min((first - 1).saturating_add(limit.events as u64));
    let found = rows(
        connection,
        "SELECT \"offset\", stamp, time, form, type, trace, body FROM
           (SELECT *, sum(length(body)) OVER (ORDER BY \"offset\") - length(body) AS before
            FROM event WHERE topic = ?1 AND \"offset\" BETWEEN ?2 AND ?3) AS piece
         WHERE before < ?4 ORDER BY \"offset\"",
        &[&id, &signed(first), &signed(last), &signed((limit.bytes as u64).max(1))],
    )?;
    let mut events = Vec::with_capacity(found.len());
    for (row, offset) in found.iter().zip(first..) {
        let event = event(row, topic)?;
        if event.cursor.offset != offset {
            return Err(hole(topic, offset).into());
        }
        events.push(Arc::new(event));
    }
    if events.is_empty() && first <= last {
        return Err(hole(topic, first).into());
    }
    Ok(Page { events, head, floor, before })
}

/// A hole is damage, and told: never a shorter log.
pub(super) fn hole(topic: &Topic, offset: u64) -> Error {
    Error::Damaged(format!("event {offset} of {topic} is missing"))
}

/// Where a topic stands.
pub(super) fn position(
    connection: &Connection,
    topic: &Topic,
    cursor: Option<Cursor>,
) -> Result<Position, Failure> {
    let at = cursor.map_or(0, |cursor| cursor.offset);
    let Some(stand) = find(connection, topic, at)? else {
        let (head, floor) = (Cursor::START, 0);
        let resume = cursor.map(|cursor| Resume::judge(cursor, floor, head, None));
        return Ok(Position { head, floor, bytes: 0, resume });
    };
    let Stand { head, floor, bytes, stamp_at, .. } = stand;
    let resume = cursor.map(|cursor| Resume::judge(cursor, floor, head, stamp_at));
    Ok(Position { head, floor, bytes, resume })
}

/// Where those topics stand that are elsewhere than at the cursors.
pub(super) fn heads(
    connection: &Connection,
    known: Vec<(Topic, Cursor)>,
) -> Result<Vec<(Topic, Position)>, Failure> {
    let of = |part: fn(&(Topic, Cursor)) -> i64| known.iter().map(part).collect::<Vec<i64>>();
    let kinds = of(|(topic, _)| kind_number(topic.kind()));
    let offsets = of(|(_, cursor)| signed(cursor.offset));
    let stamps = of(|(_, cursor)| cursor.stamp.into());
    let tenants: Vec<&str> = known.iter().map(|(topic, _)| topic.tenant()).collect();
    let names: Vec<&str> = known.iter().map(|(topic, _)| topic.name()).collect();
    let found = rows(
        connection,
        "SELECT w.place, coalesce(t.head, 0), coalesce(t.stamp, 0), coalesce(t.floor, 0),
           coalesce(t.bytes, 0), (SELECT e.stamp FROM event e
             WHERE e.topic = t.id AND e.\"offset\" = w.\"offset\")
         FROM unnest(?1::bigint[], ?2::text[], ?3::text[], ?4::bigint[], ?5::bigint[])
           WITH ORDINALITY AS w(kind, tenant, name, \"offset\", stamp, place)
         LEFT JOIN topic t ON t.kind = w.kind AND t.tenant = w.tenant AND t.name = w.name
         WHERE coalesce(t.head, 0) <> w.\"offset\" OR coalesce(t.stamp, 0) <> w.stamp",
        &[&kinds, &tenants, &names, &offsets, &stamps],
    )?;
    let mut moved = Vec::with_capacity(found.len());
    for row in &found {
        let place = usize::try_from(row.number(0)? - 1).unwrap_or(usize::MAX);
        let Some((topic, cursor)) = known.get(place) else { continue };
        let (head, floor, bytes) = (row.cursor(1)?, row.unsigned(3)?, row.unsigned(4)?);
        let stamp = row.optional_number(5)?.and_then(|stamp| u32::try_from(stamp).ok());
        let resume = Some(Resume::judge(*cursor, floor, head, stamp));
        moved.push((topic.clone(), Position { head, floor, bytes, resume }));
    }
    Ok(moved)
}

/// The last event of each type, oldest first.
pub(super) fn last_values(
    connection: &Connection,
    topic: &Topic,
    limit: usize,
) -> Result<(Cursor, Vec<Event>), Failure> {
    let Some(stand) = find(connection, topic, 0)? else { return Ok((Cursor::START, Vec::new())) };
    let newest = Types::read(&stand.types)?.newest(stand.floor, limit);
    let offsets: Vec<i64> = newest.iter().map(|offset| signed(*offset)).collect();
    let found = rows(
        connection,
        "SELECT \"offset\", stamp, time, form, type, trace, body FROM event
         WHERE topic = ?1 AND \"offset\" = ANY(?2) ORDER BY \"offset\"",
        &[&stand.id, &offsets],
    )?;
    if found.len() != offsets.len() {
        return Err(hole(topic, newest.first().copied().unwrap_or_default()).into());
    }
    let events: Result<Vec<_>, _> = found.iter().map(|row| event(row, topic)).collect();
    Ok((stand.head, events?))
}

/// A piece of an attempt's output, from the events that hold it.
pub(super) fn output(connection: &Connection, query: &OutputQuery) -> Result<Piece, Failure> {
    let OutputQuery { job_id, attempt, channel, from, .. } = query;
    let found = rows(
        connection,
        "SELECT j.topic, (SELECT max(e.start) FROM event e WHERE e.topic = j.topic
           AND e.attempt = ?2 AND e.channel = ?3 AND e.start <= ?4), t.floor
         FROM job j JOIN topic t ON t.id = j.topic WHERE j.job_id = ?1",
        &[job_id, &i64::from(*attempt), channel, &signed(*from)],
    )?;
    let Some(row) = found.first() else {
        return Ok(Piece { start: *from, data: Bytes::new() });
    };
    let (topic, before, floor) = (row.number(0)?, row.optional_number(1)?, row.number(2)?);
    let mut next = before.unwrap_or_else(|| signed(*from));
    let mut output = Output::new(query, before.is_none() && floor > 0);
    while !output.is_enough() {
        let chunks = rows(
            connection,
            "SELECT start, form, body FROM event WHERE topic = ?1 AND attempt = ?2
             AND channel = ?3 AND start >= ?4 ORDER BY start LIMIT ?5",
            &[&topic, &i64::from(*attempt), channel, &next, &CHUNKS],
        )?;
        for row in &chunks {
            if let Body::Job(entry) = codec::decode(row.number(1)?, &row.bytes(2)?)?
                && let Some((_, offset, data)) = entry.event.output()
            {
                output.take(offset, data)?;
            }
            next = row.number(0)? + 1;
            if output.is_enough() {
                break;
            }
        }
        if chunks.is_empty() {
            break;
        }
    }
    Ok(output.finish())
}
