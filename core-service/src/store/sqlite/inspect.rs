//! What a data folder holds, without taking it: for those who look for what is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use super::{OpenError, connection, folder};

/// A data folder as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The folder.
    pub data_dir: PathBuf,
    /// Whether a process holds it.
    pub is_held: bool,
    /// That process, if its pid could be read.
    pub holder: Option<u32>,
    /// The data's schema; none without data.
    pub schema: Option<u32>,
    /// The schema that this program writes.
    pub schema_known: u32,
    /// The version of the linked SQLite.
    pub sqlite: String,
    /// Size of the database file.
    pub database_bytes: u64,
    /// Size of the write-ahead log.
    pub wal_bytes: u64,
    /// Room on the disk.
    pub free_bytes: u64,
    /// Whether a restore was begun and not finished.
    pub has_interrupted_restore: bool,
}

/// Looks at a data folder. A core may run on it.
///
/// # Errors
/// When the folder or the database in it cannot be read.
pub fn inspect(data_dir: &Path) -> Result<Inspection, OpenError> {
    let io = |source| OpenError::Io { path: data_dir.to_owned(), source };
    let holder = folder::holder(data_dir).map_err(io)?;
    let database = folder::database(data_dir);
    let schema = if database.exists() {
        Some(connection::schema(&connection::open_reader(data_dir)?)?)
    } else {
        None
    };
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    Ok(Inspection {
        data_dir: data_dir.to_owned(),
        is_held: holder.is_some(),
        holder: holder.flatten(),
        schema,
        schema_known: connection::SCHEMA,
        sqlite: rusqlite::version().to_owned(),
        database_bytes: size(database),
        wal_bytes: size(folder::write_ahead_log(data_dir)),
        free_bytes: fs4::available_space(data_dir).map_err(io)?,
        has_interrupted_restore: folder::restoring(data_dir).exists(),
    })
}
