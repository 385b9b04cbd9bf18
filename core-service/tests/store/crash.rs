//! `kill -9` at any moment.

use std::time::{Duration, Instant};

use roomcast_core::store::sqlite::{SqliteConfig, Synchronous};
use tempfile::TempDir;

use crate::child::{Writer, open};
use crate::ledger::{Acknowledged, count_lost};

/// In the normal run, and to prove it.
const ROUNDS: (u32, u32) = (8, 100);
/// Longest time without a word from a child that should write: busy machines are slow.
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
        has_heard(&writer, enough);
        let heard = writer.kill();
        assert!(heard.len() as u64 >= enough);
        acknowledged.extend(heard);
        let store = open(SqliteConfig::new(folder.path()));
        // Each round is checked with some of the rounds before it, all of them at the end.
        let since = if round + 1 == rounds { 0 } else { acknowledged.len().saturating_sub(6_000) };
        assert_eq!(count_lost(&store, &acknowledged[since..]).await, 0, "round {round}");
    }
}

/// Waits until so much was acknowledged, as long as there is more now and then.
pub(crate) fn has_heard(writer: &Writer, enough: u64) {
    let (mut heard, mut since) = (writer.heard(), Instant::now());
    while heard < enough {
        assert!(since.elapsed() < PATIENCE, "nothing happened for {PATIENCE:?} after {heard}");
        std::thread::park_timeout(Duration::from_millis(1));
        if writer.heard() > heard {
            (heard, since) = (writer.heard(), Instant::now());
        }
    }
}
