//! The one registry of error codes. A code means the same on every surface: its gRPC status, HTTP
//! status, cause and mend stand here and nowhere else; docs/ERRORS.md is printed from it.

use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

/// `ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "roomcast";

/// A line of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The code on the wire, the same on every surface.
    pub code: &'static str,
    /// The gRPC status code.
    pub grpc: tonic::Code,
    /// The HTTP status.
    pub http: u16,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

macro_rules! registry {
    ($($variant:ident $code:literal $grpc:ident $http:literal $retry:ident $cause:literal $mend:literal)*) => {
        /// An error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $cause] $variant,)* }

        impl Code {
            /// Every code, in the order of the docs page.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code's line of the registry.
            pub const fn entry(self) -> Entry {
                match self {
                    $(Code::$variant => Entry {
                        code: $code, grpc: tonic::Code::$grpc, http: $http,
                        retryable: registry!(@ $retry), cause: $cause, mend: $mend,
                    },)*
                }
            }

            /// The code with this name on the wire.
            pub fn parse(code: &str) -> Option<Code> {
                match code { $($code => Some(Code::$variant),)* _ => None }
            }
        }
    };
    (@ retry) => { true };
    (@ final) => { false };
}

registry! {
    InvalidArgument "invalid_argument" InvalidArgument 400 final
        "a field is missing, malformed or out of its range" "correct the field that the details name"
    MalformedMessage "malformed_message" InvalidArgument 400 final
        "the message is not what the event or route expects" "send one JSON object as documented"
    PayloadTooLarge "payload_too_large" ResourceExhausted 413 final
        "the content is larger than the limit" "send less, or in pieces"
    Unauthenticated "unauthenticated" Unauthenticated 401 final
        "no token was shown" "send a token"
    TokenInvalid "token_invalid" Unauthenticated 401 final
        "the token's signature or claims are not valid here" "get a token from the configured issuer"
    TokenExpired "token_expired" Unauthenticated 401 final
        "the token's time is over" "get a fresh token"
    TokenRevoked "token_revoked" Unauthenticated 401 final
        "the token was revoked" "get a new token, or ask an administrator"
    TicketInvalid "ticket_invalid" Unauthenticated 401 final
        "the ticket was spent, is over, or never was one" "get another from POST /tickets"
    UserUnknown "user_unknown" PermissionDenied 403 final
        "users must be registered here, and this one is not" "have an administrator register the user"
    UserDisabled "user_disabled" PermissionDenied 403 final
        "an administrator has disabled the user" "have an administrator enable the user"
    TokenMismatch "token_mismatch" PermissionDenied 403 final
        "the token is another user's than the connection's" "connect anew with that token"
    ServiceCredentialRequired "service_credential_required" Unauthenticated 401 final
        "the core's door opens to services only" "show a service token or a client certificate"
    PermissionDenied "permission_denied" PermissionDenied 403 final
        "the caller's role or scope does not allow this" "ask for the right, or use another identity"
    OriginNotAllowed "origin_not_allowed" PermissionDenied 403 final
        "the page's origin is not on the allow-list" "add it to ROOMCAST_ALLOWED_ORIGINS"
    SessionForeign "session_foreign" PermissionDenied 403 final
        "the Socket.IO session was opened by somebody else" "connect anew"
    TopicReserved "topic_reserved" PermissionDenied 403 final
        "topics of this kind are written by their services alone" "publish to a room: or user: topic"
    JobNotFound "job_not_found" NotFound 404 final
        "no such job, or no right to it" "check the id and who owns the job"
    TopicNotFound "topic_not_found" NotFound 404 final
        "no such topic, or no right to it" "check the name and the right"
    ProjectNotFound "project_not_found" NotFound 404 final
        "no such project, or no right to it" "check the id and the membership"
    SessionNotFound "session_not_found" NotFound 404 final
        "no such session, or no right to it" "check the id and the membership"
    RevocationNotFound "revocation_not_found" NotFound 404 final
        "no such revocation in this tenant" "see GET /revocations"
    UserNotFound "user_not_found" NotFound 404 final
        "no such user in this tenant" "see GET /users"
    ConnectionNotFound "connection_not_found" NotFound 404 final
        "no such connection" "see GET /connections?scope=cluster: it has gone, or its edge has not told of it yet"
    MemberNotFound "member_not_found" NotFound 404 final
        "the user is no member of the project" "see the project's members"
    GraphNotFound "graph_not_found" NotFound 404 final
        "the session has no graph of that name" "see the session's graphs; a first command makes one"
    SaveNotFound "save_not_found" NotFound 404 final
        "the session has no save of that name and version" "see the session's saves"
    NodeNotFound "node_not_found" NotFound 404 final
        "the graph has no such node" "read the graph and decide again"
    LinkNotFound "link_not_found" NotFound 404 final
        "the graph has no such link" "read the graph and decide again"
    PropertyNotFound "property_not_found" NotFound 404 final
        "the node has no such property" "read the graph and decide again"
    RouteNotFound "route_not_found" NotFound 404 final
        "no such path" "see /docs"
    MethodNotAllowed "method_not_allowed" Unimplemented 405 final
        "the path exists but not with this method" "see /docs"
    UnsupportedMediaType "unsupported_media_type" InvalidArgument 415 final
        "the body's media type is not one that this path takes" "send application/json"
    IdempotencyMismatch "idempotency_mismatch" AlreadyExists 409 final
        "the idempotency key was used with other content" "use a new key for a new request"
    AnswerGone "answer_gone" FailedPrecondition 410 final
        "the request was done when the key was first used; what it came to is past its retention" "it is not done again: read what stands by now"
    OffsetConflict "offset_conflict" Aborted 409 final
        "the topic's head is not at the expected offset" "read on and decide again"
    JobNotEnded "job_not_ended" FailedPrecondition 409 final
        "the job has not ended yet" "cancel it or wait for its end"
    JobEnded "job_ended" FailedPrecondition 409 final
        "the job has ended and takes nothing more" "create a new job, or retry this one"
    Fenced "fenced" FailedPrecondition 409 final
        "the worker's lease on this job is lost" "drop the work; another attempt owns the job"
    ReportOutOfOrder "report_out_of_order" FailedPrecondition 409 final
        "a report's number skips one, or its output does not join on" "send again from the number in the message"
    NotCancelling "not_cancelling" FailedPrecondition 409 final
        "nobody asked this job to end" "complete, fail or release it"
    SessionClosed "session_closed" FailedPrecondition 409 final
        "the session was closed and takes nothing more" "open another session"
    LastOwner "last_owner" FailedPrecondition 409 final
        "the project would have no owner left" "make another member owner first"
    VersionConflict "version_conflict" Aborted 409 final
        "the graph is not at the expected version" "read the graph and decide again"
    NodeExists "node_exists" AlreadyExists 409 final
        "the graph has a node with this id" "choose another id, or send none"
    LinkExists "link_exists" AlreadyExists 409 final
        "the node lies below that parent already" "nothing is left to do"
    GraphCycle "graph_cycle" FailedPrecondition 409 final
        "the link would close a circle" "unlink the parent from the node first"
    NodeHasChildren "node_has_children" FailedPrecondition 409 final
        "other nodes lie below the node" "delete or unlink them first, or in one batch"
    GraphFull "graph_full" FailedPrecondition 409 final
        "the graph, node or session would pass a limit that the message names" "delete something, or use another session"
    NothingToUndo "nothing_to_undo" FailedPrecondition 409 final
        "no command stands that could be taken back" "nothing is left to do"
    NothingToRedo "nothing_to_redo" FailedPrecondition 409 final
        "no command was taken back since the last one" "nothing is left to do"
    MembersFull "members_full" FailedPrecondition 409 final
        "the project has as many members as it may" "remove one first"
    RateLimited "rate_limited" ResourceExhausted 429 retry
        "too many requests" "slow down; wait for the time in retry-after"
    TooManyConnections "too_many_connections" ResourceExhausted 429 retry
        "a limit on connections is reached" "close some, or wait"
    TooManySubscriptions "too_many_subscriptions" ResourceExhausted 429 final
        "a limit on topics per connection is reached" "leave some topics first"
    AccessFull "access_full" ResourceExhausted 429 final
        "the core keeps no more users and revocations" "delete or lift those that are not needed"
    Overloaded "overloaded" ResourceExhausted 429 retry
        "the core's queue is full" "try again after the time in retry-after"
    StorageFull "storage_full" ResourceExhausted 507 retry
        "the disk has no room for more events; reading goes on" "free space; writing resumes by itself"
    StorageUnavailable "storage_unavailable" Unavailable 503 retry
        "the store cannot be reached or is stopping" "try again; if it lasts, look at the core's log"
    CoreUnavailable "core_unavailable" Unavailable 503 retry
        "the edge cannot reach the core" "try again; if it lasts, look at the core"
    Draining "draining" Unavailable 503 retry
        "the process is shutting down" "connect again; another process takes over"
    DeadlineExceeded "deadline_exceeded" DeadlineExceeded 504 retry
        "no answer within the time limit" "try again with an idempotency key"
    NotBuilt "not_built" Unimplemented 501 final
        "this version does not do that yet" "see the README for what it does"
    Internal "internal" Internal 500 final
        "a fault in Roomcast itself" "report it with the trace id"
    NoWorker "no_worker" FailedPrecondition 409 final
        "no worker took the job in time" "start a worker for its kind, or raise schedule_to_start"
    WorkerLost "worker_lost" Aborted 409 final
        "the job's workers were lost too often" "look at the workers; then retry the job"
    AttemptTimeout "attempt_timeout" DeadlineExceeded 504 final
        "an attempt took longer than its timeout" "raise the timeout, or make the work smaller"
    JobTimeout "job_timeout" DeadlineExceeded 504 final
        "the job took longer than its total timeout" "raise the timeout, or make the work smaller"
}

impl Code {
    /// The code's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.entry().code
    }

    /// A gRPC status with this code: `ErrorInfo.reason` is the code, `RetryInfo` comes with
    /// retryable ones.
    #[must_use]
    pub fn status(self, message: impl Into<String>) -> Status {
        self.status_with(message, ErrorDetails::new())
    }

    /// Like [`Code::status`], beside details of the caller's own.
    #[must_use]
    pub fn status_with(self, message: impl Into<String>, mut details: ErrorDetails) -> Status {
        let entry = self.entry();
        details.set_error_info(entry.code, DOMAIN, std::collections::HashMap::new());
        if entry.retryable && details.retry_info().is_none() {
            details.set_retry_info(Some(Duration::from_secs(1)));
        }
        Status::with_error_details(entry.grpc, message, details)
    }

    /// The code that a status carries; of a foreign status, the nearest one.
    #[must_use]
    pub fn of(status: &Status) -> Code {
        if let Some(code) =
            status.get_details_error_info().and_then(|info| Code::parse(&info.reason))
        {
            return code;
        }
        match status.code() {
            tonic::Code::InvalidArgument => Code::InvalidArgument,
            tonic::Code::OutOfRange => Code::PayloadTooLarge,
            tonic::Code::NotFound => Code::TopicNotFound,
            tonic::Code::PermissionDenied => Code::PermissionDenied,
            tonic::Code::Unauthenticated => Code::Unauthenticated,
            tonic::Code::ResourceExhausted => Code::Overloaded,
            // tonic reports its own time-outs and broken connections as Cancelled or Unknown.
            tonic::Code::Cancelled if status.message().contains("Timeout") => {
                Code::DeadlineExceeded
            }
            tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
            tonic::Code::Unavailable | tonic::Code::Cancelled | tonic::Code::Unknown => {
                Code::CoreUnavailable
            }
            tonic::Code::Unimplemented => Code::NotBuilt,
            _ => Code::Internal,
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
