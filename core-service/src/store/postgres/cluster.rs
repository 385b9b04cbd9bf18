//! What the cores on one database share: a name, a key, and one lead.

use std::fmt;

use super::connection::Connection;
use super::failure::Failure;
use super::sql::read;
use super::{Clock, OpenError};
use crate::domain::time::Time;
use crate::store::lead::Leader;
use crate::store::sql::{Sql, values};
use crate::store::{Claim, Error, Lead};

/// Where a database is: the number of its server, which standbys share, and its own within that.
const PLACE: &str = "SELECT CAST(s.system_identifier AS text) || '.' || CAST(d.oid AS text)
     FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()";
/// The latter alone.
const PLACE_HERE: &str =
    "SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()";

/// By what the cores on one database know each other.
#[derive(Clone)]
pub struct Cluster {
    name: String,
    key: Vec<u8>,
}

impl Cluster {
    pub(super) fn read(connection: &Connection) -> Result<Cluster, OpenError> {
        // Not everybody may ask a server for its number.
        let place = connection.query(PLACE, &[]).or_else(|_| connection.query(PLACE_HERE, &[]))?;
        let found = connection.query("SELECT name, key FROM cluster", &[])?;
        let row = |rows: &[tokio_postgres::Row]| {
            let row = rows.first().map(read).transpose();
            row.and_then(|row| row.ok_or_else(missing))
        };
        let cluster = row(&found).and_then(|shared| {
            let name = format!("{}:{}", shared.text(0)?, row(&place)?.text(0)?);
            Ok(Cluster { name, key: shared.bytes(1)?.to_vec() })
        });
        cluster.map_err(|error| OpenError::Database(error.to_string()))
    }

    /// The database's own name. One that was restored from a dump of it has another, a standby the same.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A secret that only those know who read the database.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

/// Without the key.
impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Decides a claim on the lead, in a transaction of its own.
pub(super) fn lead(connection: &Connection, claim: Claim, clock: &Clock) -> Result<Lead, Failure> {
    connection.begin_writing();
    let decided = decide(connection, claim, clock);
    if decided.is_ok() {
        connection.commit().map_err(Failure::Engine)?;
    } else {
        // What failed is told; a rollback that fails ends with the connection.
        let _ = connection.end();
    }
    decided
}

fn decide(connection: &Connection, claim: Claim, clock: &Clock) -> Result<Lead, Failure> {
    let row = connection.row("SELECT leader, until FROM cluster FOR UPDATE", &[])?;
    let row = row.ok_or_else(missing)?;
    let before = Leader { core: row.unsigned(0)?, until: Time(row.unsigned(1)?) };
    // After the wait for the row: whoever held it may have claimed meanwhile.
    let now = clock.now(connection)?;
    let (leader, lead) = before.after(claim, now);
    if leader != before {
        connection.execute(
            "UPDATE cluster SET leader = ?1, until = ?2",
            values![leader.core, leader.until],
        )?;
    }
    Ok(lead)
}

fn missing() -> Error {
    Error::Damaged("the row of what cores share is missing".into())
}
