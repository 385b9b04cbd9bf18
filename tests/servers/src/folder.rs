//! Folders that servers may write to, and what is put into them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use tempfile::TempDir;

use crate::account::give;

/// A new one on the disk of `on`, which is removed when it is dropped.
pub(crate) fn folder(on: &Path) -> TempDir {
    let on = on.canonicalize().expect("a folder");
    let folder = tempfile::tempdir_in(on).expect("a folder");
    give(folder.path());
    folder
}

/// A file that the server alone reads, as servers demand of keys.
pub(crate) fn put(path: &Path, text: &str) {
    let mut options = File::options();
    let file = options.create(true).write(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    give(path);
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).create(to).expect("made");
    give(to);
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
            continue;
        }
        match fs::copy(entry.path(), &to) {
            Ok(_) => give(&to),
            // A running server removes files.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
        }
    }
}
