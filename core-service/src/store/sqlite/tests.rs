//! The suite on this engine, and what is this engine's own.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Clock, SqliteConfig, SqliteStore, folder};
use crate::store::conformance::{Engine, conformance};
use crate::store::{Store, Tap};

conformance!(crate::store::sqlite::tests::fresh);

/// A store in a folder that goes with the test.
pub(super) struct Disk(TempDir);

pub(super) fn fresh() -> Disk {
    Disk(TempDir::new().expect("a folder"))
}

impl Engine for Disk {
    fn open(&self, clock: Clock, tap: Tap) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(SqliteConfig::new(self.0.path()), clock, tap).expect("opens"))
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
