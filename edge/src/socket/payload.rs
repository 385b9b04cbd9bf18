//! What the edge itself tells a socket. Field names are the contract's: docs/reference/socketio.md.

use roomcast_proto::v1::JoinResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{departures::Previous, names::reset_reason};

/// Who a socket is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connected<'a> {
    /// A greeting.
    pub(super) message: &'static str,
    /// Who the edge takes the client for.
    pub(super) user_id: &'a str,
    /// What the connection goes by, for the client to show when it comes back.
    pub(super) connection_id: &'a str,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub(super) timestamp: String,
    /// The connection that the client shows, where it was ended without a farewell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Previous>,
    /// For sockets that recover: whether this one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recovered: Option<bool>,
}

/// What comes with an offset that no other event carries.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recovering {
    /// False while more topics are joined than an offset has room for.
    pub(super) recoverable: bool,
}

/// The answer to a join: whether the history is whole, and where it goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Joined<'a> {
    /// `true`.
    pub(super) ok: bool,
    /// Full name of the topic.
    pub(super) topic: &'a str,
    /// Where it goes on: the cursor that was given, or that of the snapshot.
    pub(super) cursor: &'a str,
    /// Whether nothing was missed. Otherwise a snapshot follows.
    pub(super) resumed: bool,
    /// The cursor of the log's last event.
    pub(super) head: &'a str,
    /// Why the cursor could not be followed: `trimmed`, `forked` or `ahead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reset: Option<&'static str>,
}

impl<'a> Joined<'a> {
    pub(super) fn of(response: &'a JoinResponse) -> Self {
        Self {
            ok: true,
            topic: &response.topic,
            cursor: &response.cursor,
            resumed: response.resumed,
            head: &response.head,
            reset: response.reset.as_ref().map(|reset| reset_reason(reset.reason())),
        }
    }
}

/// The answer to joining the dashboard: what became of each of its rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JoinedView<'a> {
    /// `true`.
    pub(super) ok: bool,
    /// Full name of the view.
    pub(super) topic: &'a str,
    /// Each of its rooms.
    pub(super) rooms: Vec<Joined<'a>>,
}

/// An event that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published<'a> {
    /// Unique name.
    pub(super) event_id: &'a str,
    /// What a reader hands back to go on after it.
    pub(super) cursor: &'a str,
    /// Its place in the topic, from 1.
    pub(super) offset: u64,
}

/// A job is no longer followed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobUnsubscribed<'a> {
    /// The job.
    pub(super) job_id: &'a str,
    /// The same for a person.
    pub(super) message: String,
}

/// What was asked for is done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    /// `true`.
    pub(super) ok: bool,
}

/// Answers a `ping` that has no acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pong {
    /// When the edge answered, RFC 3339.
    #[schema(format = DateTime)]
    pub(super) timestamp: String,
}

/// Acknowledges a `ping`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PongAck<'a> {
    /// `true`.
    pub(super) ok: bool,
    /// When the edge answered, RFC 3339.
    #[schema(format = DateTime)]
    pub(super) timestamp: &'a str,
}

/// A token's time will be over soon.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenExpiring {
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub(super) expires_at: String,
}

/// The connection goes on under the fresh token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Authenticated {
    /// `true`.
    pub(super) ok: bool,
    /// Until when, RFC 3339; null where its time is never over.
    #[schema(format = DateTime)]
    pub(super) expires_at: Option<String>,
}

/// `{code, message, retry_after_ms?, topic?}`: an `error` event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorEvent<'a> {
    /// What failed, for programs: a code of the registry.
    pub(super) code: &'static str,
    /// The same for a person.
    pub(super) message: &'a str,
    /// How long to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u128>,
    /// Full name of the topic that could not be joined, or is no longer followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<&'a str>,
}

/// Why something was not done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fault)]
pub(super) struct NackError<'a> {
    /// What failed, for programs: a code of the registry.
    pub(super) code: &'static str,
    /// The same for a person.
    pub(super) message: &'a str,
    /// Whether trying again may help.
    pub(super) retryable: bool,
    /// How long to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u128>,
}

/// The socket ends.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Closing {
    /// `draining`, `idle`, `disconnected`, or a code that an `error` said before.
    pub(super) reason: &'static str,
    /// How long to wait before coming back.
    pub(super) retry_after_ms: u64,
}

/// `{ok: true, …}`: what was asked for is done.
#[derive(Debug, Serialize)]
pub(super) struct Answered<T> {
    pub(super) ok: bool,
    #[serde(flatten)]
    pub(super) answer: T,
}
