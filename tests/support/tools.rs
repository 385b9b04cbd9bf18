//! The programs that tests start. One that is missing fails the test and says what to do.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `tests/` of the repository.
pub(crate) fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

fn present(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run make setup", path.display());
    path
}

/// The binary under test: the one built with the tests, or another build of it that
/// `ROOMCAST_TEST_BINARY` names, such as a release one.
pub(crate) fn roomcast() -> Command {
    let given = std::env::var_os("ROOMCAST_TEST_BINARY");
    Command::new(given.unwrap_or_else(|| env!("CARGO_BIN_EXE_roomcast").into()))
}

/// A script of `tests/node`.
pub(crate) fn node(script: &str) -> Command {
    let folder = tests_folder().join("node");
    present(folder.join("node_modules/socket.io-client"));
    let mut command = Command::new("node");
    command.arg(folder.join(script)).current_dir(folder);
    command
}

/// A script of `tests/python`.
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(present(tests_folder().join("../.venv/bin/python")));
    command.arg(tests_folder().join("python").join(script));
    command
}

/// `buf`, as npm installs it.
pub(crate) fn buf() -> Command {
    Command::new(present(tests_folder().join("node/node_modules/.bin/buf")))
}
