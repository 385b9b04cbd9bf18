//! Opening connections, and the versions of the schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::{OpenError, folder};

/// Before 3.51.3 two connections that write and checkpoint at once could corrupt the file.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Only another program that writes into the file can hold a lock for long.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The writer's pages: the heads of all indexes of a busy store.
const WRITER_CACHE_KIB: i32 = 64 << 10;
/// A reader's pages.
const READER_CACHE_KIB: i32 = 8 << 10;
/// After a burst the write-ahead log shrinks to this.
const WAL_BYTES_KEPT: u32 = 64 << 20;
/// All statements of one connection.
const STATEMENTS_MAX: usize = 128;

/// Step n leads from schema n to n + 1. Only ever add one.
const STEPS: [&str; 7] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
];

/// The schema that this program writes.
pub(super) const SCHEMA: u32 = STEPS.len() as u32;

/// Whether a commit waits for the disk.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Each commit is durable.
    #[default]
    Full,
    /// A power cut loses commits. Only to show that a test sees it.
    Normal,
}

/// Opens the connection that writes, with the newest schema.
pub(super) fn open_writer(folder: &Path, mode: Synchronous) -> Result<Connection, OpenError> {
    let found = rusqlite::version_number();
    if found < SQLITE_VERSION_MIN {
        return Err(OpenError::OldSqlite { found: rusqlite::version().to_owned() });
    }
    if folder::restoring(folder).exists() {
        return Err(OpenError::RestoreInterrupted { path: folder.to_owned() });
    }
    let mut connection = open(folder, OpenFlags::SQLITE_OPEN_CREATE, WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    let mode = match mode {
        Synchronous::Full => "full",
        Synchronous::Normal => "normal",
    };
    connection.pragma_update(None, "synchronous", mode)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that only moves the write-ahead log into the file.
pub(super) fn open_checkpointer(folder: &Path) -> rusqlite::Result<Connection> {
    open(folder, OpenFlags::empty(), READER_CACHE_KIB)
}

/// Opens a connection that reads.
pub(super) fn open_reader(folder: &Path) -> rusqlite::Result<Connection> {
    let connection = open(folder, OpenFlags::empty(), READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(folder: &Path, more: OpenFlags, cache_kib: i32) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(folder::database(folder), flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    Ok(connection)
}

/// The schema of an open file; 0 if it has none.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<u32> {
    let has_meta = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if connection.query_row(has_meta, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    connection.query_row("SELECT value FROM meta WHERE key = 'schema'", [], |row| row.get(0))
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&transaction)?;
    if found > SCHEMA {
        return Err(OpenError::NewerSchema { found, known: SCHEMA });
    }
    if found == 0 {
        transaction.execute_batch(
            "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
        )?;
    }
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    if found < SCHEMA {
        transaction.execute("INSERT OR REPLACE INTO meta VALUES('schema', ?1)", [SCHEMA])?;
        tracing::info!(from = found, to = SCHEMA, "the store's schema is brought up to date");
    }
    transaction.commit()?;
    Ok(())
}
