//! The `roomcast` command line, run to its end.

use std::process::Command;
use std::time::Duration;

use super::process::Process;
use super::tools;

/// Longest time a command of the tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Exit code.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Finished {
    /// Its output, after it ended well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "out: {}\nerr: {}", self.out, self.err);
        self.out
    }
}

/// `roomcast ARGUMENTS` to begin with.
pub(crate) fn roomcast(arguments: &[&str]) -> Command {
    let mut command = tools::roomcast();
    command.args(arguments).env("ROOMCAST_LOG_FORMAT", "json");
    command
}

/// Runs a command to its end.
pub(crate) async fn finish(command: &mut Command) -> Finished {
    finish_within(PATIENCE, command).await
}

/// Like [`finish`], with a limit of the caller's own.
pub(crate) async fn finish_within(limit: Duration, command: &mut Command) -> Finished {
    let mut process = Process::spawn("command", command).may_log_errors();
    process.close_stdin();
    let status = process.ended(limit).await;
    process.finish_reading();
    Finished {
        code: status.code(),
        out: process.stdout_lines().join("\n"),
        err: process.stderr_lines().join("\n"),
    }
}
