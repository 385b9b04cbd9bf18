//! The data folder: whose it is, what lies in it, copies of it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use roomcast_core::domain::cursor::{Cursor, Resume};
use roomcast_core::domain::time::Time;
use roomcast_core::domain::topic::{Kind, Topic};
use roomcast_core::store::commit::Committed;
use roomcast_core::store::sqlite::{
    BackupError, OpenError, RestoreError, SqliteConfig, SqliteStore, Synchronous, WhenThere,
    backup, inspect, restore,
};
use roomcast_core::store::{Error, Store};
use tempfile::TempDir;

use crate::child::{Writer, open, said};
use crate::crash::has_heard;
use crate::ledger::TENANT;

fn try_open(folder: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteConfig::new(folder), Arc::new(|| Time(1)), Arc::new(|_| {}))
}

async fn publish(store: &dyn Store, text: &str) -> Cursor {
    match store.commit(said("room", &[text.to_owned()])).await.expect("committed") {
        Committed::Published { cursors, .. } => cursors[0],
        other @ (Committed::Job { .. } | Committed::Access { .. } | Committed::Session { .. }) => {
            panic!("{other:?} is no publishing")
        }
    }
}

async fn resume(store: &dyn Store, cursor: Cursor) -> Option<Resume> {
    let topic = Topic::new(TENANT, Kind::Room, "room").expect("a topic");
    store.position(&topic, Some(cursor)).await.expect("a position").resume
}

#[test]
fn a_folder_belongs_to_one_process_and_says_to_which() {
    let folder = TempDir::new().expect("a folder");
    let writer = Writer::start(folder.path(), 0, Synchronous::Full);
    has_heard(&writer, 1);
    let refused = try_open(folder.path()).expect_err("in use").to_string();
    let holder = inspect(folder.path()).expect("inspected").holder.expect("a pid");
    assert!(refused.contains(&format!("process {holder}")), "{refused}");
    assert!(refused.contains(&folder.path().display().to_string()), "{refused}");
    assert!(matches!(
        restore(Path::new("/dev/null"), folder.path(), WhenThere::Replace),
        Err(RestoreError::Folder(OpenError::Locked { .. }))
    ));
    writer.kill();
    drop(try_open(folder.path()).expect("free"));
    assert!(!inspect(folder.path()).expect("inspected").is_held);
}

#[test]
fn a_new_folder_is_for_its_owners_eyes_only() {
    let parent = TempDir::new().expect("a folder");
    let folder = parent.path().join("deep").join("data");
    let store = try_open(&folder).expect("created");
    let mode = std::fs::metadata(&folder).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(store);
    let found = inspect(&folder).expect("inspected");
    assert_eq!(found.schema, Some(found.schema_known));
    assert!(found.database_bytes > 0 && found.free_bytes > 0);
    assert!(!found.has_interrupted_restore);
}

#[test]
fn data_of_a_newer_program_is_refused() {
    let folder = TempDir::new().expect("a folder");
    drop(try_open(folder.path()).expect("opens"));
    let database = rusqlite::Connection::open(folder.path().join("roomcast.db")).expect("opens");
    database.execute("UPDATE meta SET value = 99 WHERE key = 'schema'", []).expect("written");
    drop(database);
    let refused = try_open(folder.path()).expect_err("newer");
    assert!(matches!(refused, OpenError::NewerSchema { found: 99, .. }), "{refused}");
}

#[test]
fn a_file_that_is_no_database_is_told_once_with_its_name_and_the_mend() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("roomcast.db");
    std::fs::write(&file, "no database".repeat(1000)).expect("written");
    let refused = try_open(folder.path()).expect_err("damaged");
    let (told, file) = (refused.to_string(), file.display().to_string());
    for says in [file.as_str(), "file is not a database", "roomcast restore --force"] {
        assert!(told.contains(says), "{told}");
    }
    assert!(std::error::Error::source(&refused).is_none(), "{refused:?}");
}

#[tokio::test]
async fn damage_is_told_and_never_a_shorter_log() {
    let folder = TempDir::new().expect("a folder");
    let store = try_open(folder.path()).expect("opens");
    for n in 0..9 {
        publish(&store, &n.to_string()).await;
    }
    drop(store);
    let topic = Topic::new(TENANT, Kind::Room, "room").expect("a topic");
    let limit = roomcast_core::store::PageLimit::REPLAY;
    for (damage, after) in [
        ("UPDATE event SET form = 2 WHERE \"offset\" = 8", 7),
        ("DELETE FROM event WHERE \"offset\" = 5", 4),
        ("DELETE FROM event WHERE \"offset\" = 9", 8),
        ("DELETE FROM event WHERE \"offset\" = 1", 0),
    ] {
        let path = folder.path().join("roomcast.db");
        let database = rusqlite::Connection::open(path).expect("opens");
        assert_eq!(database.execute(damage, []).expect("damaged"), 1);
        drop(database);
        let store = try_open(folder.path()).expect("opens");
        let read = store.read(&topic, after, limit).await;
        assert!(matches!(read, Err(Error::Damaged(_))), "{damage}: {read:?}");
    }
}

#[tokio::test]
async fn a_backup_of_a_working_store_is_whole_and_restores_as_a_fork() {
    let folder = TempDir::new().expect("a folder");
    let copy = folder.path().join("copy.db");
    let data = folder.path().join("data");
    let store = open(SqliteConfig::new(&data));
    let before = publish(&store, "before").await;
    backup(&data, &copy).expect("backed up beside a running store");
    assert!(matches!(backup(&data, &copy), Err(BackupError::Exists(_))));
    let after = publish(&store, "after").await;
    let running = restore(&copy, &data, WhenThere::Replace);
    assert!(matches!(running, Err(RestoreError::Folder(OpenError::Locked { .. }))));
    drop(store);
    let there = restore(&copy, &data, WhenThere::Refuse);
    assert!(matches!(there, Err(RestoreError::Exists(_))));
    restore(&copy, &data, WhenThere::Replace).expect("restored");
    let store = open(SqliteConfig::new(&data));
    assert_eq!(resume(&store, before).await, Some(Resume::Whole));
    assert_eq!(resume(&store, after).await, Some(Resume::Ahead));
    assert_eq!(publish(&store, "another").await.offset, after.offset);
    assert_eq!(resume(&store, after).await, Some(Resume::Forked));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("read").collect();
    assert_eq!(left.len(), 2, "nothing is left behind: {left:?}");
}

#[test]
fn a_backup_while_another_process_writes_is_whole() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let writer = Writer::start(&data, 0, Synchronous::Full);
    for round in 0..3_u64 {
        let enough = writer.heard() + 500;
        has_heard(&writer, enough);
        let copy = folder.path().join(format!("{round}.db"));
        backup(&data, &copy).expect("backed up");
        restore(&copy, &folder.path().join(round.to_string()), WhenThere::Refuse)
            .expect("restored");
        drop(try_open(&folder.path().join(round.to_string())).expect("opens"));
    }
    writer.kill();
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    drop(try_open(&data).expect("opens"));
    let text = folder.path().join("text");
    std::fs::write(&text, "no database").expect("written");
    let other = folder.path().join("other.db");
    let database = rusqlite::Connection::open(&other).expect("opens");
    database.execute_batch("CREATE TABLE t(a)").expect("written");
    drop(database);
    let missing = folder.path().join("missing");
    for wrong in [&text, &other, &missing] {
        let refused = restore(wrong, &data, WhenThere::Replace);
        assert!(matches!(refused, Err(RestoreError::NoBackup { .. })), "{refused:?}");
    }
    drop(try_open(&data).expect("the old data is untouched"));
    let nothing = backup(&missing, &folder.path().join("copy"));
    assert!(matches!(nothing, Err(BackupError::NoStore(_))));
}
