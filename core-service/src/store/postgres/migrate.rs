//! The versions of the schema. Cores that start together wait for the first of them.

use super::OpenError;
use super::connection::Connection;
use super::failure::Trouble;

/// Step n leads from schema n to n + 1. Only ever add one, and only one that cores of the version
/// before can live with: they run beside it during an upgrade.
const STEPS: [&str; 4] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The schema that this program writes.
const SCHEMA: i64 = STEPS.len() as i64;
/// As long as it takes, and on what others have done who came first.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0;
     SET LOCAL statement_timeout = 0";
/// Held while the schema is looked at and changed: `roomcast` in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8245928620474758004)";

/// Brings the schema up to date, all of it in one transaction.
pub(super) fn migrate(connection: &Connection) -> Result<(), OpenError> {
    connection.begin(BEGIN);
    let migrated = in_transaction(connection);
    if migrated.is_err() {
        // What failed is told; a rollback that fails ends with the connection.
        let _ = connection.end();
    }
    migrated
}

fn in_transaction(connection: &Connection) -> Result<(), OpenError> {
    connection.query(LOCK, &[])?;
    connection
        .run("CREATE TABLE IF NOT EXISTS meta(key text PRIMARY KEY, value bigint NOT NULL)")?;
    let found = connection.query("SELECT value FROM meta WHERE key = 'schema'", &[])?;
    let found = found.first().map(|row| row.try_get::<_, i64>(0)).transpose();
    let found = found.map_err(Trouble::from)?.unwrap_or(0);
    if found > SCHEMA {
        return Err(OpenError::NewerSchema { found, known: SCHEMA });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        connection.run(step)?;
    }
    if found < SCHEMA {
        connection.change(
            "INSERT INTO meta VALUES('schema', ?1)
             ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            &[&SCHEMA],
        )?;
        tracing::info!(from = found, to = SCHEMA, "the database's schema is brought up to date");
    }
    connection.commit()?;
    Ok(())
}
