//! How a command's end becomes the job's end and our own.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use roomcast_client::worker::{Completion, End, Failure};

use crate::exit::Exit;

/// The code of a job whose command did not end with 0.
const EXIT_STATUS: &str = "exit_status";
/// The code of a job whose command could not be started.
const NOT_STARTED: &str = "command_not_started";

/// What a command came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) status: ExitStatus,
    pub(super) took: Duration,
    /// Whether it was asked to end before it did.
    pub(super) was_cancelled: bool,
}

impl Outcome {
    /// What is reported of the job.
    pub(super) fn end(&self) -> End {
        if self.was_cancelled {
            return End::Cancelled;
        }
        if !self.status.success() {
            return self.failure();
        }
        let result = serde_json::json!({"exit_code": 0, "duration_ms": millis(self.took)});
        End::Completed(Completion::bytes("application/json", result.to_string()))
    }

    /// What is reported when the core never heard of the cancellation.
    pub(super) fn failure(&self) -> End {
        failed(EXIT_STATUS, format!("the command {}", describe(self.status)))
    }

    /// What `run` itself ends with.
    pub(super) fn exit(&self) -> Exit {
        if self.was_cancelled {
            return Exit::INTERRUPTED;
        }
        Exit(exit_code(self.status))
    }
}

/// The end of a job whose command is not there or may not run, with a shell's exit code for it.
pub(super) fn not_started(error: &std::io::Error) -> (End, Exit) {
    let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit(127) } else { Exit(126) };
    (failed(NOT_STARTED, format!("the command cannot be started: {error}")), exit)
}

/// The exit code, or 128 and the signal, as shells say it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

fn failed(code: &str, message: String) -> End {
    End::Failed(Failure::new(code, message))
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `wait` encodes it: the code in the high byte, a signal in the low one.
    fn outcome(wait_status: i32, was_cancelled: bool) -> Outcome {
        let status = ExitStatus::from_raw(wait_status);
        Outcome { status, took: Duration::from_millis(1500), was_cancelled }
    }

    #[test]
    fn success_is_a_result() {
        let result = serde_json::json!({"exit_code": 0, "duration_ms": 1500});
        let completion = Completion::json(&result).unwrap();
        assert_eq!(outcome(0, false).end(), End::Completed(completion));
        assert_eq!(outcome(0, false).exit(), Exit::OK);
    }

    #[test]
    fn another_exit_status_is_a_failure_that_no_retry_helps() {
        for (wait_status, message, exit) in [
            (3 << 8, "the command exited with status 3", 3),
            (9, "the command was ended by signal 9", 137),
        ] {
            let End::Failed(failure) = outcome(wait_status, false).end() else { panic!() };
            assert_eq!((failure.code(), failure.message()), ("exit_status", message));
            assert!(!failure.is_retryable());
            assert_eq!(outcome(wait_status, false).exit(), Exit(exit));
        }
    }

    #[test]
    fn a_cancelled_command_is_cancelled_however_it_ended() {
        for wait_status in [0, 1 << 8, 15] {
            assert_eq!(outcome(wait_status, true).end(), End::Cancelled);
            assert_eq!(outcome(wait_status, true).exit(), Exit::INTERRUPTED);
        }
    }

    #[test]
    fn a_command_that_is_not_there_ends_as_in_a_shell() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(not_started(&missing).1, Exit(127));
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(not_started(&denied).1, Exit(126));
    }
}
