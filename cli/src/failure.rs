//! Why a command could not do what it was asked.

use std::io;

use roomcast_proto::registry::Code;
use roomcast_runtime::settings::Unusable;
use serde_json::json;
use tonic::Status;

use crate::exit::Exit;

/// An error for the person at the terminal: what went wrong, the mend, and the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The core refused.
    #[error("{} [{}]: {}", message(.0), Code::of(.0), mend(Code::of(.0)))]
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
    #[error("{}", causes(.0))]
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
            Failure::Other(error) if error.is::<Unusable>() => Exit::USAGE,
            Failure::Output(_) | Failure::Other(_) => Exit::FAILED,
        }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.exit() == Exit::OK
    }

    /// The line of the registry that it comes under.
    fn code(&self) -> Code {
        match self {
            Failure::Core(status) => Code::of(status),
            Failure::Usage(_) => Code::InvalidArgument,
            Failure::Unavailable(_) => Code::CoreUnavailable,
            Failure::Other(error) if error.is::<Unusable>() => Code::InvalidArgument,
            Failure::Output(_) | Failure::Other(_) => Code::Internal,
        }
    }

    /// For programs: the fields that an error has on every surface.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let code = self.code();
        let message = match self {
            Failure::Core(status) => message(status),
            Failure::Usage(_)
            | Failure::Unavailable(_)
            | Failure::Output(_)
            | Failure::Other(_) => self.to_string(),
        };
        let entry = code.entry();
        let mut error = json!({
            "code": entry.code,
            "message": message,
            "retryable": entry.retryable,
        });
        // What is wrong on this side says its own mend; the registry's would speak of a request.
        if matches!(self, Failure::Core(_)) {
            error["mend"] = mend(code).into();
        }
        json!({ "error": error })
    }
}

impl From<roomcast_client::Error> for Failure {
    fn from(error: roomcast_client::Error) -> Self {
        use roomcast_client::Error;
        match error {
            Error::Unreachable => Code::CoreUnavailable.status("").into(),
            Error::Refused { code, message, .. } => code.status(message).into(),
            Error::Payload(_) => Failure::Usage(error.to_string()),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Core(Box::new(status))
    }
}

/// What to do about a code, here: a flag or a command where the registry can only name what it is for.
pub(crate) fn mend(code: Code) -> &'static str {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the registry's mend is good for the others")]
    match code {
        Code::ServiceCredentialRequired => {
            "give --service-token or ROOMCAST_SERVICE_TOKEN, as `roomcast token mint --service` makes \
             it, or --core-cert and --core-key"
        }
        Code::Unauthenticated => {
            "give --token or ROOMCAST_TOKEN, as your issuer or `roomcast token mint` makes it"
        }
        code => code.entry().mend,
    }
}

/// An error with what led to it. Many an error repeats its cause, which is told once.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match &*told {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

fn message(status: &Status) -> String {
    match (Code::of(status), status.message()) {
        // What a broken connection says of itself helps nobody.
        (Code::CoreUnavailable, _) => "the core cannot be reached".to_owned(),
        (code, "") => code.entry().cause.to_owned(),
        (_, message) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use roomcast_runtime::settings;

    use super::*;

    #[test]
    fn an_error_is_told_with_its_code_and_its_mend() {
        let failure = Failure::from(Code::JobNotFound.status("job 7 not found or access denied"));
        assert_eq!(
            failure.to_string(),
            "job 7 not found or access denied [job_not_found]: check the id and who owns the job"
        );
        assert_eq!(failure.exit(), Exit::NOT_FOUND);
        let told = &failure.as_json()["error"];
        assert_eq!(told["message"], "job 7 not found or access denied");
        assert_eq!(told["mend"], "check the id and who owns the job");
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = anyhow::anyhow!("no such file");
        let error = cause.context("data cannot be used: no such file").context("the core");
        let told = Failure::from(error).to_string();
        assert_eq!(told, "the core: data cannot be used: no such file");
    }

    #[test]
    fn settings_that_cannot_work_end_as_settings_that_cannot_be_read() {
        let error = settings::unusable(anyhow::anyhow!("the door has no key"));
        let failure = Failure::from(error.context("the core cannot serve"));
        assert_eq!(failure.exit(), Exit::USAGE);
        assert_eq!(failure.to_string(), "the core cannot serve: the door has no key");
        assert_eq!(Failure::from(anyhow::anyhow!("a fire")).exit(), Exit::FAILED);
    }

    #[test]
    fn whoever_closed_the_pipe_is_told_nothing() {
        let closed = Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(closed.is_silent());
        assert!(!Failure::Output(io::Error::other("disk")).is_silent());
    }
}
