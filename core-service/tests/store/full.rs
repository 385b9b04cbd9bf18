//! A disk without room.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use roomcast_core::domain::time::Time;
use roomcast_core::store::commit::Committed;
use roomcast_core::store::sqlite::SqliteConfig;
use roomcast_core::store::{CleanBudget, Error, Store};

use crate::child::{open, said};
use crate::ledger::{Acknowledged, count_lost};
use crate::mount::{Mount, skip};

/// What somebody else has on the disk.
const BALLAST_BYTES: u64 = 8 << 20;
/// Longest wait for the store to notice that there is room.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_full_disk_refuses_commits_serves_reads_and_recovers_without_a_restart() {
    let disk = match Mount::memory("16m") {
        Ok(disk) => disk,
        Err(reason) => return skip("a_full_disk_refuses_commits", &reason),
    };
    let ballast = disk.path().join("ballast");
    let file = File::create(&ballast).expect("a file");
    nix::fcntl::posix_fallocate(&file, 0, BALLAST_BYTES as i64).expect("room");
    drop(file);
    let store = open(SqliteConfig::new(disk.path().join("data")));
    let mut acknowledged = Vec::new();
    let refused = loop {
        match publish(&store, acknowledged.len()).await {
            Ok(event) => acknowledged.push(event),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, Error::Full);
    assert_eq!(store.writable(), Err(Error::Full));
    assert!(!store.failed().is_cancelled(), "the process need not end");
    for _ in 0..20 {
        match publish(&store, acknowledged.len()).await {
            // What the checkpoint freed may hold some more.
            Ok(event) => acknowledged.push(event),
            Err(error) => assert_eq!(error, Error::Full),
        }
    }
    assert_eq!(count_lost(&store, &acknowledged).await, 0, "reads go on");

    fs::remove_file(&ballast).expect("removed");
    // The cleaner, which comes again and again, notices that there is room.
    let budget = CleanBudget { now: Time(0), events: 100, time: Duration::from_millis(5) };
    let freed = Instant::now();
    while let Err(error) = store.clean(budget).await {
        assert_eq!(error, Error::Full);
        assert!(freed.elapsed() < PATIENCE, "still full");
        tokio::task::yield_now().await;
    }
    assert_eq!(store.writable(), Ok(()));
    for _ in 0..20 {
        acknowledged.push(publish(&store, acknowledged.len()).await.expect("there is room again"));
    }
    drop(store);
    let store = open(SqliteConfig::new(disk.path().join("data")));
    assert_eq!(count_lost(&store, &acknowledged).await, 0);
}

async fn publish(store: &dyn Store, n: usize) -> Result<Acknowledged, Error> {
    let text = format!("{n}-{}", "x".repeat(20_000));
    let committed = store.commit(said("room", std::slice::from_ref(&text))).await?;
    let Committed::Published { cursors, .. } = committed else { panic!("no publishing") };
    let (offset, stamp) = (cursors[0].offset, cursors[0].stamp);
    Ok(Acknowledged::Event { room: "room".into(), offset, stamp, text })
}
