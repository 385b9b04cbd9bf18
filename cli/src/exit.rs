//! How the program ends, for scripts.

use std::process::ExitCode;

use roomcast_proto::registry::Code;

/// What `--help` says of it.
pub(crate) const HELP: &str = "\
Exit codes:
  0  it went well
  1  it failed, or the job that was waited for did not complete
  2  the command line or the settings are wrong
  3  there is no such job, topic, project or session
  4  not authenticated, or not allowed
  5  the core cannot be reached, or is busy: try again";

/// An exit code. `run` ends with its command's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit(pub(crate) u8);

impl Exit {
    pub(crate) const OK: Exit = Exit(0);
    pub(crate) const FAILED: Exit = Exit(1);
    pub(crate) const USAGE: Exit = Exit(2);
    pub(crate) const NOT_FOUND: Exit = Exit(3);
    pub(crate) const DENIED: Exit = Exit(4);
    pub(crate) const UNAVAILABLE: Exit = Exit(5);
    /// As a shell says it of a command that SIGINT ended.
    pub(crate) const INTERRUPTED: Exit = Exit(130);

    /// The exit code for an error of the core.
    pub(crate) fn of(code: Code) -> Exit {
        let entry = code.entry();
        #[allow(clippy::wildcard_enum_match_arm, reason = "the other statuses are plain failures")]
        match entry.grpc {
            tonic::Code::InvalidArgument => Exit::USAGE,
            tonic::Code::NotFound => Exit::NOT_FOUND,
            tonic::Code::Unauthenticated | tonic::Code::PermissionDenied => Exit::DENIED,
            _ if entry.retryable => Exit::UNAVAILABLE,
            _ => Exit::FAILED,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_registry_ends_as_documented() {
        for (code, exit) in [
            (Code::InvalidArgument, Exit::USAGE),
            (Code::JobNotFound, Exit::NOT_FOUND),
            (Code::TokenExpired, Exit::DENIED),
            (Code::TopicReserved, Exit::DENIED),
            (Code::CoreUnavailable, Exit::UNAVAILABLE),
            (Code::Overloaded, Exit::UNAVAILABLE),
            (Code::StorageFull, Exit::UNAVAILABLE),
            (Code::OffsetConflict, Exit::FAILED),
            (Code::Internal, Exit::FAILED),
        ] {
            assert_eq!(Exit::of(code), exit, "{code}");
        }
        for code in Code::ALL {
            assert_ne!(Exit::of(*code), Exit::OK, "{code}");
        }
    }
}
