//! `kill -9` at any moment.

use std::time::{Duration, Instant};

use roomcast_core::store::sqlite::{SqliteConfig, Synchronous};
use tempfile::TempDir;

use crate::child::{Writer, open};
use crate::ledger::{Acknowledged, count_lost};

/// In the normal run, and to prove it.
const ROUNDS: (u32, u32) = (8, 100);
/// Longest wait for a child that should write.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn whatever_was_acknowledged_survives_kill_nine() {
    let rounds = if std::env::var_os("ROOMCAST_PROVE").is_some() { ROUNDS.1 } else { ROUNDS.0 };
    let folder = TempDir::new().expect("a folder");
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for round in 0..rounds {
        let writer = Writer::start(folder.path(), round, Synchronous::Full);
        // Moments that differ: right after the opening, in the first batches, at a checkpoint.
        let enough = [1, 40, 600, 2_000, 5_000][round as usize % 5] + u64::from(round) * 17;
        wait_until(|| writer.heard() >= enough);
        let heard = writer.kill();
        assert!(heard.len() as u64 >= enough);
        acknowledged.extend(heard);
        let store = open(SqliteConfig::new(folder.path()));
        // Each round is checked with some of the rounds before it, all of them at the end.
        let since = if round + 1 == rounds { 0 } else { acknowledged.len().saturating_sub(6_000) };
        assert_eq!(count_lost(&store, &acknowledged[since..]).await, 0, "round {round}");
    }
}

pub(crate) fn wait_until(is_met: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_met() {
        assert!(begun.elapsed() < PATIENCE, "nothing happened for {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
