//! A lane's connection, and the row by which the database knows it: that row tells of the last batch that
//! was committed, so that a lost answer is found again.

use tokio_postgres::{Error, Row};

use super::connection::Connection;
use super::failure::Trouble;
use super::target::Target;
use crate::domain::time::Time;

/// A connection, and what the database knows it by.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) stamp: u32,
    /// How many it has begun.
    pub(super) batches: u64,
}

impl Link {
    /// Connects, and makes itself known by a new stamp.
    pub(super) fn open(target: &Target) -> Result<Link, Trouble> {
        let connection = Connection::open_to_write(target)?;
        loop {
            let stamp = getrandom::u32().map_err(|error| Trouble::Broken(error.to_string()))?;
            let known = connection.change(
                "INSERT INTO lane VALUES(?1, 0, CAST(extract(epoch FROM now()) * 1000 AS bigint))
                 ON CONFLICT DO NOTHING",
                &[&i64::from(stamp)],
            )?;
            // 0 is the stamp of no event.
            if known == 1 && stamp != 0 {
                return Ok(Link { connection, stamp, batches: 0 });
            }
        }
    }

    /// Takes away the mark of a connection that is gone; answers when it committed its last batch, if it
    /// did.
    pub(super) fn forget(&self, stamp: u32, last: u64) -> Result<Option<Time>, Trouble> {
        self.connection.begin_writing();
        let found = self.connection.query(
            "DELETE FROM lane WHERE stamp = ?1 RETURNING batch, seen",
            &[&i64::from(stamp)],
        )?;
        let number = |row: &Row, index| row.try_get(index).map(i64::unsigned_abs);
        let mark = found.first().map(|row| Ok((number(row, 0)?, number(row, 1)?))).transpose();
        let mark = mark.map_err(|error: Error| Trouble::Broken(error.to_string()))?;
        let committed = mark.filter(|(batch, _)| *batch >= last).map(|(_, seen)| Time(seen));
        match self.connection.commit() {
            // If this answer is lost as well, the mark may be gone: nobody would find it a second time.
            Err(trouble) if committed.is_none() => Err(trouble),
            Ok(()) | Err(_) => Ok(committed),
        }
    }
}
