//! A server's files: those it begins with, and those it had at a moment.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{Postgres, data, initialize, version};
use crate::folder::{copy, folder};

/// Small segments of its log, so that a copy is small.
const SMALL: [&str; 3] = ["--no-sync", "--wal-segsize=1", "--no-instructions"];
/// Which process has the files.
const LOCK: &str = "postmaster.pid";

impl Postgres {
    /// What another server finds that begins from this one's files, as they are at this moment.
    pub fn crashed(&self) -> Postgres {
        let folder = folder(&std::env::temp_dir());
        let data = data(folder.path());
        self.copy_to(&data);
        fs::remove_file(data.join(LOCK)).expect("was running");
        Postgres::run(folder, self.settings.clone())
    }

    /// All that is in it at this moment, to go back to.
    pub fn remember(&self) {
        self.copy_to(&self.folder().join("before"));
    }

    /// Loses what was committed since [`Postgres::remember`], as a standby may that takes over.
    pub fn lose_the_rest(&mut self) {
        self.kill();
        let data = data(self.folder());
        fs::remove_dir_all(&data).expect("removed");
        fs::rename(self.folder().join("before"), &data).expect("renamed");
        self.restart();
    }

    fn copy_to(&self, to: &Path) {
        self.pause();
        copy(&data(self.folder()), to);
        self.go_on();
    }
}

/// An initialized data folder, made once for all tests of a build and copied by each.
pub(super) fn template() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let version = version();
    let version = version.file_name().expect("a version").display();
    let place = program.parent().expect("a folder").join(format!("postgres-{version}"));
    let lock = File::create(place.with_extension("lock")).expect("a lock");
    lock.lock().expect("locked");
    if place.exists() {
        return place;
    }
    let folder = folder(&std::env::temp_dir());
    initialize(&data(folder.path()), &SMALL);
    let half = place.with_extension("half");
    let _ = fs::remove_dir_all(&half);
    copy(&data(folder.path()), &half);
    fs::rename(half, &place).expect("renamed");
    place
}
