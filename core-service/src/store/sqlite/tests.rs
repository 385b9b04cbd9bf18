//! The suite on this engine, and what is this engine's own.

mod cleaner;
mod migration;
mod statements;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use tempfile::TempDir;

use super::{Clock, SqliteConfig, SqliteStore, folder};
use crate::domain::event::{Body, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command};
use crate::store::conformance::{Engine, conformance, job_limits, retentions};
use crate::store::{Error, PageLimit, Store, Tap};

conformance!(crate::store::sqlite::tests::fresh);

/// A store in a folder that goes with the test.
pub(super) struct Disk(TempDir);

pub(super) fn fresh() -> Disk {
    Disk(TempDir::new().expect("a folder"))
}

impl Engine for Disk {
    fn open(&self, clock: Clock, tap: Tap) -> Arc<dyn Store> {
        let mut config = SqliteConfig::new(self.0.path());
        (config.limits, config.retentions) = (job_limits(), retentions());
        Arc::new(SqliteStore::open(config, clock, tap).expect("opens"))
    }

    fn alter(&self, statement: &str) {
        let database = rusqlite::Connection::open(folder::database(self.0.path())).expect("opens");
        database.execute_batch(statement).expect("altered");
    }

    fn copy(&self) -> Box<dyn Engine> {
        let copy = fresh();
        copy_file(&folder::database(self.0.path()), &folder::database(copy.0.path()));
        let log = folder::write_ahead_log(self.0.path());
        copy_file(&log, &folder::write_ahead_log(copy.0.path()));
        Box::new(copy)
    }
}

fn copy_file(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("copied");
}

fn open(config: SqliteConfig) -> SqliteStore {
    SqliteStore::open(config, Arc::new(|| Time(1)), Arc::new(|_| {})).expect("opens")
}

fn room() -> Topic {
    Topic::new("acme", Kind::Room, "room").expect("a topic")
}

fn publish(bytes: usize) -> Command {
    let data = Bytes::from(vec![7; bytes]);
    let payload = Payload { content_type: "application/octet-stream".into(), data };
    let events = vec![NewEvent { kind: "said".into(), body: Body::Payload(payload) }];
    let action = Action::Publish { topic: room(), events, expected_offset: None };
    Command { action, idempotency: None, trace: None }
}

#[tokio::test]
async fn what_the_queue_cannot_hold_is_refused_at_once() {
    let disk = fresh();
    let mut config = SqliteConfig::new(disk.0.path());
    (config.queue_commands_max, config.queue_bytes_max) = (4, 10_000);
    let store = open(config);
    assert_eq!(store.commit(publish(20_000)).await, Err(Error::Overloaded));
    let outcomes = join_all((0..200).map(|_| store.commit(publish(10)))).await;
    let refused = outcomes.iter().filter(|outcome| **outcome == Err(Error::Overloaded)).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(refused > 0 && done >= 4 && refused + done == 200, "{done} of 200, {refused} refused");
    assert!(store.commit(publish(9_000)).await.is_ok(), "what is done makes room");
}

#[tokio::test]
async fn a_failed_commit_stops_the_store_and_says_so() {
    let disk = fresh();
    let store = open(SqliteConfig::new(disk.0.path()));
    store.commit(publish(10)).await.expect("committed");
    let other = rusqlite::Connection::open(folder::database(disk.0.path())).expect("opens");
    other.execute_batch("ALTER TABLE event RENAME TO lost").expect("damaged");
    assert!(matches!(store.commit(publish(10)).await, Err(Error::Unavailable(_))));
    store.failed().cancelled().await;
    other.execute_batch("ALTER TABLE lost RENAME TO event").expect("mended");
    assert!(matches!(store.commit(publish(10)).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.writable(), Err(Error::Unavailable(_))));
    let page = store.read(&room(), 0, PageLimit::REPLAY).await.expect("reads go on");
    assert_eq!((page.events.len(), page.head.offset), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_bounded_under_constant_writing_and_reading() {
    const WRITTEN: u64 = 160 << 20;
    const LOG_MAX: u64 = 72 << 20;
    let disk = fresh();
    let store = Arc::new(open(SqliteConfig::new(disk.0.path())));
    let writers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..WRITTEN / 8 / (128 << 10) {
                store.commit(publish(128 << 10)).await.expect("committed");
                store.read(&room(), n, PageLimit::REPLAY).await.expect("read");
            }
        })
    });
    for writer in join_all(writers).await {
        writer.expect("no panic");
    }
    let log = folder::write_ahead_log(disk.0.path());
    let length = std::fs::metadata(log).expect("there").len();
    assert!(length <= LOG_MAX, "{length} bytes");
}
