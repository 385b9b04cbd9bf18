//! A topic's row, locked.

use super::sql::read;
use crate::domain::event::Event;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::batch;
use crate::store::types::Types;

/// Locks rows in the one order that all cores keep, and reads them as they then are.
pub(super) const LOCK: &str =
    "SELECT t.kind, t.tenant, t.name, t.id, t.head, t.stamp, t.floor, t.bytes, t.types, t.oldest,
            t.ended_at, CAST(CAST(t.is_crowded AS int) AS bigint)
     FROM topic t JOIN unnest(?1::bigint[], ?2::text[], ?3::text[]) AS w(kind, tenant, name)
       ON t.kind = w.kind AND t.tenant = w.tenant AND t.name = w.name
     ORDER BY t.id FOR UPDATE OF t";

/// A topic's row.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) stand: batch::Head,
    pub(super) floor: u64,
    pub(super) bytes: u64,
    pub(super) types: Types,
    pub(super) oldest: Option<Time>,
    /// Whether the cleaner has been told that it holds too much.
    pub(super) is_crowded: bool,
    pub(super) has_changed: bool,
}

impl Head {
    /// Reads what [`LOCK`] found.
    pub(super) fn read(row: &tokio_postgres::Row) -> Result<(Topic, Head), Error> {
        let row = read(row)?;
        let stand =
            batch::Head { id: row.number(3)?, cursor: row.cursor(4)?, ended_at: row.time(10)? };
        let head = Head {
            stand,
            floor: row.unsigned(6)?,
            bytes: row.unsigned(7)?,
            types: Types::read(&row.text(8)?)?,
            oldest: row.time(9)?,
            is_crowded: row.is(11)?,
            has_changed: false,
        };
        Ok((row.topic(0)?, head))
    }

    /// Moves the head past an event with a body of so many bytes.
    pub(super) fn advance(&mut self, event: &Event, bytes: u64) {
        if self.events() == 0 {
            self.oldest = Some(event.time);
        }
        self.stand.cursor = event.cursor;
        self.bytes += bytes;
        self.types.note(&event.kind, event.cursor.offset);
        self.has_changed = true;
    }

    /// How many events are retained.
    pub(super) fn events(&self) -> u64 {
        self.stand.cursor.offset - self.floor
    }
}
