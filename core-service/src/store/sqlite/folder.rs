//! The data folder: where its files are, and the lock that gives it to one process.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::OpenError;

/// Prompts and results lie in it: for its owner's eyes only.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Longest content of the lock file: a pid.
const HOLDER_BYTES_MAX: u64 = 20;

/// A data folder that this process holds until the value is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes the folder, creating it if need be.
    pub(super) fn lock(path: &Path) -> Result<Folder, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(io)?;
        let mut lock = open_lock(path).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut lock);
                return Err(OpenError::Locked { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        write_holder(&mut lock).map_err(io)?;
        Ok(Folder { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The database's file.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join("roomcast.db")
}

/// What lies beside the database while it is open.
pub(super) fn write_ahead_log(folder: &Path) -> PathBuf {
    folder.join("roomcast.db-wal")
}

/// The memory that the connections share.
pub(super) fn shared_memory(folder: &Path) -> PathBuf {
    folder.join("roomcast.db-shm")
}

/// Where a restore puts the database before it becomes the database.
pub(super) fn restoring(folder: &Path) -> PathBuf {
    folder.join("roomcast.db.restoring")
}

/// The process that holds the folder, if one does: its pid, where it could be read.
pub(super) fn holder(folder: &Path) -> io::Result<Option<Option<u32>>> {
    let mut lock = match File::open(folder.join("LOCK")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&mut lock))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes names that were added to or taken from a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file that may be missing.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Creates a file that must not exist, readable by its owner alone.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

fn open_lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    options.open(folder.join("LOCK"))
}

fn write_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn read_holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
