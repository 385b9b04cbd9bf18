//! Why a command could not do what it was asked.

use std::io;

use roomcast_proto::registry::Code;
use tonic::Status;

use crate::exit::Exit;

/// An error for the person at the terminal: what went wrong, the mend, and the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The core refused.
    #[error("{}", describe(.0))]
    Core(Box<Status>),
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers.
    #[error("{0}")]
    Unavailable(String),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// Anything else of this machine.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Core(status) => Exit::of(Code::of(status)),
            Failure::Usage(_) => Exit::USAGE,
            Failure::Unavailable(_) => Exit::UNAVAILABLE,
            // Whoever closed the pipe, such as `head`, has all it wanted.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::OK,
            Failure::Output(_) | Failure::Other(_) => Exit::FAILED,
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.exit() == Exit::OK
    }

    /// The registry's name of it, for JSON.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::Core(status) => Code::of(status).as_str(),
            Failure::Usage(_) => Code::InvalidArgument.as_str(),
            Failure::Unavailable(_) => Code::CoreUnavailable.as_str(),
            Failure::Output(_) | Failure::Other(_) => Code::Internal.as_str(),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Core(Box::new(status))
    }
}

fn describe(status: &Status) -> String {
    let code = Code::of(status);
    let mend = code.entry().mend;
    // What a broken connection says of itself helps nobody.
    if code == Code::CoreUnavailable {
        return format!("the core cannot be reached [{code}]: {mend}");
    }
    match status.message() {
        "" => format!("{} [{code}]: {mend}", code.entry().cause),
        message => format!("{message} [{code}]: {mend}"),
    }
}
