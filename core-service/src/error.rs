//! What goes wrong inside, as the registry's codes: the one exhaustive table.

use roomcast_proto::registry::Code;
use tonic::Status;
use tonic_types::ErrorDetails;

use crate::domain::job;
use crate::store::{Error, Refusal};

/// The code of a refused job command.
#[must_use]
pub fn job_code(refusal: &job::Refusal) -> Code {
    match refusal {
        job::Refusal::Fenced { .. } => Code::Fenced,
        job::Refusal::OutOfOrder { .. }
        | job::Refusal::OutputGap { .. }
        | job::Refusal::Duplicate { .. } => Code::ReportOutOfOrder,
        job::Refusal::Ended => Code::JobEnded,
        job::Refusal::NotCancelling => Code::NotCancelling,
        // Nobody outside asks for a lease of one job: whoever does has lost a race.
        job::Refusal::NotFree => Code::Fenced,
        job::Refusal::Invalid { .. } => Code::InvalidArgument,
    }
}

/// The code of a store's error.
#[must_use]
pub fn code(error: &Error) -> Code {
    match error {
        Error::Refused(Refusal::OffsetConflict { .. }) => Code::OffsetConflict,
        Error::Refused(Refusal::IdempotencyMismatch) => Code::IdempotencyMismatch,
        Error::Refused(Refusal::JobNotFound(_)) => Code::JobNotFound,
        Error::Refused(Refusal::Job(refusal)) => job_code(refusal),
        Error::Overloaded => Code::Overloaded,
        Error::Full => Code::StorageFull,
        Error::Unavailable(_) => Code::StorageUnavailable,
        Error::Damaged(_) => Code::Internal,
    }
}

/// The status of a store's error.
#[must_use]
pub fn status(error: Error) -> Status {
    if let Error::Damaged(what) = &error {
        tracing::error!(what, "stored data cannot be read");
    }
    let mut details = ErrorDetails::new();
    if let Error::Refused(Refusal::Job(job::Refusal::Invalid { field, problem })) = &error {
        details.add_bad_request_violation(*field, problem);
    }
    code(&error).status_with(error.to_string(), details)
}
