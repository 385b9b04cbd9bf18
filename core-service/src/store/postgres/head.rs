//! A topic's row, locked.

use std::time::{SystemTime, UNIX_EPOCH};

use super::sql::cell;
use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::batch;
use crate::store::sql::row::kind_number;
use crate::store::types::Types;

macro_rules! columns {
    () => {
        "t.id, t.kind, t.tenant, t.name, t.head, t.stamp, t.floor, t.bytes, t.types, t.oldest,
         t.ended_at, t.is_crowded"
    };
}

macro_rules! lock_by_name {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM topic t WHERE t.id = ANY(ARRAY(
               SELECT f.id FROM unnest(?1::bigint[], ?2::text[], ?3::text[]) AS w(kind, tenant, name),
               LATERAL (SELECT id FROM topic
                 WHERE kind = w.kind AND tenant = w.tenant AND name = w.name OFFSET 0) f))
             ORDER BY t.id FOR UPDATE"
        )
    };
}

/// Locks rows in the one order that all cores keep, and reads them as they then are. The time beside each
/// is that of its lock: the last one is past all of them.
pub(super) const LOCK: &str = concat!(
    "SELECT x.*, clock_timestamp() FROM (SELECT ",
    columns!(),
    " FROM topic t WHERE t.id = ANY(?1::bigint[]) ORDER BY t.id FOR UPDATE) AS x"
);

/// The same of topics whose rows are not known. Each is looked for by its name: a join might begin with the
/// table, while that is small.
pub(super) const LOCK_BY_NAME: &str =
    concat!("SELECT x.*, clock_timestamp() FROM (", lock_by_name!(), ") AS x");

/// The same, without the time, of those that nobody else has locked.
pub(super) const LOCK_FREE: &str = concat!(lock_by_name!(), " SKIP LOCKED");

/// Event types of a topic that is remembered with them: of one with more it is remembered where it is.
const TYPES_MAX: usize = 8;

/// What tells of a row whether anybody has changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) head: Cursor,
    pub(super) floor: u64,
}

/// What is written of a row.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) id: i64,
    /// The offset of its last event.
    pub(super) head: u64,
    pub(super) was: Place,
    pub(super) bytes: u64,
    pub(super) types: String,
    pub(super) begun_at: Option<Time>,
    pub(super) ended_at: Option<Time>,
    pub(super) is_crowded: bool,
}

/// A topic's row.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) stand: batch::Head,
    /// Where the row is for the transaction.
    pub(super) was: Place,
    /// Where it was found or left by a commit.
    pub(super) left: Place,
    pub(super) floor: u64,
    pub(super) bytes: u64,
    pub(super) types: Types,
    pub(super) oldest: Option<Time>,
    /// Whether the cleaner has been told that it holds too much.
    pub(super) is_crowded: bool,
    /// Whether nobody else has been at it since it was found or left here before.
    pub(super) is_ours: bool,
    /// The time of the first retained event, if this transaction has appended it.
    pub(super) begun_at: Option<Time>,
    /// Whether this transaction has made the row, and has not come to need it.
    pub(super) is_spare: bool,
    pub(super) has_changed: bool,
    /// The run that has locked it or relies on it.
    pub(super) run: u64,
}

/// What a topic is found by: kind, tenant, name.
pub(super) type Key<'topic> = (i64, &'topic str, &'topic str);

/// What a topic is found by.
pub(super) fn key(topic: &Topic) -> Key<'_> {
    (kind_number(topic.kind()), topic.tenant(), topic.name())
}

/// Whose row it is.
pub(super) fn key_of(row: &tokio_postgres::Row) -> Result<Key<'_>, Error> {
    Ok((cell(row, 1)?, cell(row, 2)?, cell(row, 3)?))
}

/// When a row was locked.
pub(super) fn locked_at(row: &tokio_postgres::Row) -> Result<Time, Error> {
    let since = cell::<SystemTime>(row, 12)?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

fn unsigned(stored: i64) -> Result<u64, Error> {
    u64::try_from(stored).map_err(|_| Error::Damaged(format!("{stored} counts nothing")))
}

impl Head {
    /// Reads what one of the locking statements found.
    pub(super) fn read(row: &tokio_postgres::Row) -> Result<Head, Error> {
        let number = |index| unsigned(cell(row, index)?);
        let time = |index| cell::<Option<i64>>(row, index)?.map(unsigned).transpose();
        let stamp = u32::try_from(number(5)?)
            .map_err(|_| Error::Damaged("a stamp is not a small number".into()))?;
        let stand = batch::Head {
            id: cell(row, 0)?,
            cursor: Cursor { offset: number(4)?, stamp },
            ended_at: time(10)?.map(Time),
        };
        let floor = number(6)?;
        let place = Place { head: stand.cursor, floor };
        Ok(Head {
            stand,
            was: place,
            left: place,
            floor,
            bytes: number(7)?,
            types: Types::read(cell(row, 8)?)?,
            oldest: time(9)?.map(Time),
            is_crowded: cell(row, 11)?,
            is_ours: false,
            begun_at: None,
            is_spare: false,
            has_changed: false,
            run: 0,
        })
    }

    /// Notes that the row is needed, and to be written; answers whether it was not before.
    pub(super) fn change(&mut self) -> bool {
        self.is_spare = false;
        !std::mem::replace(&mut self.has_changed, true)
    }

    /// Moves the head past an event with a body of so many bytes.
    pub(super) fn advance(&mut self, event: &Event, bytes: u64) {
        if self.events() == 0 {
            self.oldest = Some(event.time);
            self.begun_at = self.oldest;
        }
        self.stand.cursor = event.cursor;
        self.bytes += bytes;
        self.types.note(&event.kind, event.cursor.offset);
    }

    /// Whether the next events may be written without reading it first. The first retained one is told of
    /// with its time, and who cleans after an end does not always move the floor.
    pub(super) fn may_be_relied_on(&self) -> bool {
        self.is_ours && self.events() > 0 && self.stand.ended_at.is_none()
    }

    /// What is to be written, which from then on is.
    pub(super) fn moved(&mut self) -> Result<Moved, Error> {
        let was = self.was;
        self.was = Place { head: self.stand.cursor, floor: self.floor };
        self.has_changed = false;
        Ok(Moved {
            id: self.stand.id,
            head: self.stand.cursor.offset,
            was,
            bytes: self.bytes,
            types: self.types.stored()?,
            begun_at: self.begun_at.take(),
            ended_at: self.stand.ended_at,
            is_crowded: self.is_crowded,
        })
    }

    /// Remembers what was committed, but for what is too much. A row that was only read is where it was.
    pub(super) fn settle(&mut self) {
        self.left = self.was;
        if self.types.len() > TYPES_MAX {
            (self.types, self.is_ours) = (Types::default(), false);
        }
    }

    /// Takes back what was decided: the row is where it was left, if nobody else was at it, and is to be read.
    pub(super) fn take_back(&mut self) {
        (self.is_ours, self.has_changed) = (false, false);
        self.types = Types::default();
    }

    /// How many events are retained.
    pub(super) fn events(&self) -> u64 {
        self.stand.cursor.offset - self.floor
    }
}
