//! A lane's connection, and the row by which the database knows it: that row tells of the last batch that
//! was committed, so that a lost answer is found again.

use super::connection::Connection;
use super::failure::Trouble;
use super::target::Target;

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

    /// Takes away the mark of a connection that is gone; answers whether it committed its last batch.
    pub(super) fn forget(&self, stamp: u32, last: u64) -> Result<bool, Trouble> {
        self.connection.begin_writing();
        let found = self
            .connection
            .query("DELETE FROM lane WHERE stamp = ?1 RETURNING batch", &[&i64::from(stamp)])?;
        let batch = found.first().map(|row| row.try_get::<_, i64>(0)).transpose();
        let batch = batch.map_err(|error| Trouble::Broken(error.to_string()))?;
        let is_committed = batch.is_some_and(|batch| batch.unsigned_abs() >= last);
        match self.connection.commit() {
            // If this answer is lost as well, the mark may be gone: nobody would find it a second time.
            Err(trouble) if !is_committed => Err(trouble),
            Ok(()) | Err(_) => Ok(is_committed),
        }
    }
}
