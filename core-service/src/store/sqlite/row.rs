//! Domain values in rows.

use std::sync::Arc;

use rusqlite::Row;

use super::failure::Failure;
use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
pub(super) use crate::store::sql::row::{KINDS, kind_number};
pub(super) use crate::store::sql::signed;
use crate::store::{Error, codec};

/// Reads a number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(index)?;
    number.try_into().map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

/// Reads a moment that may be missing.
pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(|at| Time(at.unsigned_abs())))
}

/// Reads a cursor from two columns that follow each other.
pub(super) fn cursor(row: &Row<'_>, index: usize) -> rusqlite::Result<Cursor> {
    Ok(Cursor { offset: unsigned(row, index)?, stamp: row.get(index + 1)? })
}

/// Reads a topic from the columns kind, tenant, name.
pub(super) fn topic(row: &Row<'_>, index: usize) -> Result<Topic, Failure> {
    let number: i64 = row.get(index)?;
    let kind = KINDS.into_iter().find(|kind| kind_number(*kind) == number);
    let kind = kind.ok_or_else(|| Error::Damaged(format!("no topic has kind {number}")))?;
    let (tenant, name): (String, String) = (row.get(index + 1)?, row.get(index + 2)?);
    Topic::new(&tenant, kind, &name)
        .map_err(|error| Error::Damaged(format!("{name}: {error}")).into())
}

/// Finds what [`event`] reads.
pub(super) const EVENT_BY_ID: &str =
    "SELECT \"offset\", stamp, time, form, type, trace, body FROM event WHERE id = ?1";

/// Reads an event of `topic`, and the size of its body.
pub(super) fn event(row: &Row<'_>, topic: &Topic) -> Result<(Event, usize), Failure> {
    let trace: Option<[u8; 16]> = row.get(5)?;
    let body = row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?;
    let event = Event {
        topic: topic.clone(),
        cursor: cursor(row, 0)?,
        time: Time(unsigned(row, 2)?),
        trace,
        kind: row.get::<_, Arc<str>>(4)?,
        body: codec::decode(row.get(3)?, body)?,
    };
    Ok((event, body.len()))
}
