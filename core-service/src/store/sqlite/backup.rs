//! Copies of a store: taken while it runs, put back while it does not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use roomcast_runtime::draft;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::folder::{self, Folder};
use super::{OpenError, connection};

/// Pages copied between two looks: 16 MiB.
const STEP_PAGES: i32 = 4096;

/// Why no backup was made. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no store.
    #[error("{} holds no store", .0.display())]
    NoStore(PathBuf),
    /// There is a file already.
    #[error("{} exists; name a file that does not", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite fails.
    #[error("the database cannot be copied: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The copy is not whole, so the store is not either.
    #[error("the copy is damaged, so the store may be: {0}")]
    Damaged(String),
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The folder cannot be taken, for one because a core runs on it.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The folder holds a store.
    #[error("{} holds a store; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The file is no whole backup.
    #[error("{} is no backup: {problem}", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What a restore does with a store that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenThere {
    /// Leaves it alone.
    Refuse,
    /// Puts the backup in its place.
    Replace,
}

/// Copies the store in `data_dir` to the new file `to`, as it stands at one moment, whether a core
/// runs on it or not. While it copies, the write-ahead log grows.
///
/// # Errors
/// When there is no store, `to` exists, or the copy is not whole.
pub fn backup(data_dir: &Path, to: &Path) -> Result<(), BackupError> {
    let io = |source| BackupError::Io { path: to.to_owned(), source };
    if !folder::database(data_dir).exists() {
        return Err(BackupError::NoStore(data_dir.to_owned()));
    }
    if to.try_exists().map_err(io)? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let part = with_suffix(to, ".part");
    folder::remove(&part).map_err(io)?;
    drop(folder::create_private(&part).map_err(io)?);
    let copied = copy(data_dir, &part).and_then(|()| {
        File::open(&part).and_then(|file| file.sync_all()).map_err(io)?;
        draft::keep(&part, to).map_err(|error| {
            let is_there = error.kind() == io::ErrorKind::AlreadyExists;
            if is_there { BackupError::Exists(to.to_owned()) } else { io(error) }
        })
    });
    let removed = folder::remove(&part).map_err(io);
    copied.and(removed)?;
    folder::sync(parent(to)).map_err(io)
}

/// Copies in steps inside one read transaction: what is committed meanwhile does not show, and does
/// not make the copy begin again.
fn copy(data_dir: &Path, part: &Path) -> Result<(), BackupError> {
    let source = connection::open_reader(data_dir)?;
    let snapshot = source.unchecked_transaction()?;
    connection::schema(&snapshot)?;
    let mut copy = Connection::open(part)?;
    copy.pragma_update(None, "synchronous", "full")?;
    {
        let steps = Backup::new(&snapshot, &mut copy)?;
        while steps.step(STEP_PAGES)? != StepResult::Done {}
    }
    // One file, without a write-ahead log beside it.
    copy.pragma_update(None, "journal_mode", "delete")?;
    check(&copy).map_err(BackupError::Damaged)?;
    copy.close().map_err(|(_, error)| BackupError::Sqlite(error))
}

/// Puts the backup `from` into `data_dir`. No core may run on it. Whoever holds a cursor of what was
/// committed after the backup learns it: each opening writes with a new stamp.
///
/// # Errors
/// When the folder is in use or holds a store, or `from` is no whole backup of a known schema.
pub fn restore(from: &Path, data_dir: &Path, when_there: WhenThere) -> Result<(), RestoreError> {
    let folder = Folder::lock(data_dir)?;
    let folder = folder.path();
    let [database, new] = [folder::database(folder), folder::restoring(folder)];
    let io = |source| RestoreError::Io { path: database.clone(), source };
    let is_there = database.try_exists().map_err(io)? || new.try_exists().map_err(io)?;
    if is_there && when_there == WhenThere::Refuse {
        return Err(RestoreError::Exists(data_dir.to_owned()));
    }
    verify(from)?;
    let part = with_suffix(&new, ".part");
    folder::remove(&part).map_err(io)?;
    let mut target = folder::create_private(&part).map_err(io)?;
    File::open(from).and_then(|mut source| io::copy(&mut source, &mut target)).map_err(io)?;
    target.sync_all().map_err(io)?;
    verify(&part)?;
    // From the first rename to the last the folder holds a marked restore: a store that were opened
    // in between would begin empty, or read the old write-ahead log into the new database.
    fs::rename(&part, &new).and_then(|()| folder::sync(folder)).map_err(io)?;
    for old in [folder::write_ahead_log(folder), folder::shared_memory(folder), database.clone()] {
        folder::remove(&old).map_err(io)?;
    }
    folder::sync(folder).map_err(io)?;
    fs::rename(&new, &database).and_then(|()| folder::sync(folder)).map_err(io)
}

/// A whole database of a schema that this program knows.
fn verify(path: &Path) -> Result<(), RestoreError> {
    let no_backup = |problem: String| RestoreError::NoBackup { path: path.to_owned(), problem };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = Connection::open_with_flags(path, flags);
    let open = open.map_err(|error| no_backup(error.to_string()))?;
    match connection::schema(&open).map_err(|error| no_backup(error.to_string()))? {
        0 => return Err(no_backup("it holds no store".into())),
        found if found > connection::SCHEMA => {
            let known = connection::SCHEMA;
            return Err(no_backup(format!("it has schema {found}, this program knows {known}")));
        }
        _ => {}
    }
    check(&open).map_err(no_backup)
}

/// SQLite's own check of the file.
fn check(open: &Connection) -> Result<(), String> {
    let found = open.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(problem) => Err(problem),
        Err(error) => Err(error.to_string()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
