//! What goes wrong inside, as the registry's codes: the one exhaustive table.

use roomcast_proto::registry::Code;
use tonic::Status;
use tonic_types::ErrorDetails;

use crate::domain::{access, graph, job, project};
use crate::store::session;
use crate::store::{Error, Refusal};

/// The code of a refused job command.
#[must_use]
pub fn job_code(refusal: &job::Refusal) -> Code {
    match refusal {
        job::Refusal::Fenced { .. } => Code::Fenced,
        job::Refusal::OutOfOrder { .. }
        | job::Refusal::OutputGap { .. }
        | job::Refusal::Duplicate { .. } => Code::ReportOutOfOrder,
        job::Refusal::TooFast { .. } => Code::RateLimited,
        job::Refusal::Ended => Code::JobEnded,
        job::Refusal::NotCancelling => Code::NotCancelling,
        // Nobody outside asks for a lease of one job: whoever does has lost a race.
        job::Refusal::NotFree => Code::Fenced,
        job::Refusal::Invalid { .. } => Code::InvalidArgument,
    }
}

/// The code of a refused command about who may come in.
#[must_use]
pub fn access_code(refusal: &access::Refusal) -> Code {
    match refusal {
        access::Refusal::NotFound(access::Table::Revocation) => Code::RevocationNotFound,
        access::Refusal::NotFound(access::Table::User) => Code::UserNotFound,
        access::Refusal::NotFound(access::Table::Ticket) => Code::TicketInvalid,
    }
}

/// The code of what a graph refuses.
#[must_use]
pub fn graph_code(refusal: &graph::Refusal) -> Code {
    match refusal {
        graph::Refusal::NodeNotFound(_) => Code::NodeNotFound,
        graph::Refusal::NodeExists(_) => Code::NodeExists,
        graph::Refusal::HasChildren(_) => Code::NodeHasChildren,
        graph::Refusal::Cycle { .. } => Code::GraphCycle,
        graph::Refusal::LinkExists { .. } => Code::LinkExists,
        graph::Refusal::LinkNotFound { .. } => Code::LinkNotFound,
        graph::Refusal::PropertyNotFound { .. } => Code::PropertyNotFound,
        graph::Refusal::VersionConflict { .. } => Code::VersionConflict,
        graph::Refusal::NothingToUndo => Code::NothingToUndo,
        graph::Refusal::NothingToRedo => Code::NothingToRedo,
        graph::Refusal::Full { .. } => Code::GraphFull,
    }
}

/// The code of what a project or session refuses.
#[must_use]
pub fn session_code(refusal: &session::Refusal) -> Code {
    match refusal {
        session::Refusal::ProjectNotFound(_) => Code::ProjectNotFound,
        session::Refusal::SessionNotFound(_) => Code::SessionNotFound,
        session::Refusal::Closed(_) => Code::SessionClosed,
        session::Refusal::Taken(_) => Code::InvalidArgument,
        // Whoever deletes erases the sessions first: others were opened meanwhile, again and again.
        session::Refusal::NotEmpty(_) => Code::Overloaded,
        session::Refusal::Project(project::Refusal::LastOwner) => Code::LastOwner,
        session::Refusal::Project(project::Refusal::Full) => Code::MembersFull,
        session::Refusal::Project(project::Refusal::NoMember) => Code::MemberNotFound,
        session::Refusal::CopyLost => Code::StorageUnavailable,
        session::Refusal::Overtaken(_) => Code::Fenced,
    }
}

/// The code of a store's error.
#[must_use]
pub fn code(error: &Error) -> Code {
    match error {
        Error::Refused(Refusal::OffsetConflict { .. }) => Code::OffsetConflict,
        Error::Refused(Refusal::IdempotencyMismatch) => Code::IdempotencyMismatch,
        Error::Refused(Refusal::AnswerGone) => Code::AnswerGone,
        Error::Refused(Refusal::JobNotFound(_)) => Code::JobNotFound,
        Error::Refused(Refusal::Job(refusal)) => job_code(refusal),
        Error::Refused(Refusal::Access(refusal)) => access_code(refusal),
        Error::Refused(Refusal::Session(refusal)) => session_code(refusal),
        Error::Refused(Refusal::Graph(refusal)) => graph_code(refusal),
        Error::Refused(Refusal::Unkept(_)) => Code::InvalidArgument,
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
    if let Error::Refused(Refusal::Job(job::Refusal::TooFast { wait })) = &error {
        details.set_retry_info(Some(*wait));
    }
    code(&error).status_with(error.to_string(), details)
}
