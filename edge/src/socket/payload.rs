//! What the edge itself tells a socket. Field names are the contract's: docs/PROTOCOL.md.

use roomcast_proto::v1::JoinResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::departures::Previous;
use crate::delivery::reset_reason;

/// Who a socket is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connected<'a> {
    pub(super) message: &'static str,
    pub(super) user_id: &'a str,
    /// What the connection goes by, for the client to show when it comes back.
    pub(super) connection_id: &'a str,
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
    pub(super) ok: bool,
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
    pub(super) ok: bool,
    pub(super) topic: &'a str,
    pub(super) rooms: Vec<Joined<'a>>,
}

/// An event that is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published<'a> {
    pub(super) event_id: &'a str,
    pub(super) cursor: &'a str,
    pub(super) offset: u64,
}

/// A job is no longer followed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobUnsubscribed<'a> {
    pub(super) job_id: &'a str,
    pub(super) message: String,
}

/// What was asked for is done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {
    pub(super) ok: bool,
}

/// When the edge answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Pong {
    pub(super) timestamp: String,
}

/// When the edge answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PongAck<'a> {
    pub(super) ok: bool,
    pub(super) timestamp: &'a str,
}

/// The token's time will be over then, RFC 3339.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenExpiring {
    pub(super) expires_at: String,
}

/// The connection goes on under the fresh token until then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Authenticated {
    pub(super) ok: bool,
    pub(super) expires_at: Option<String>,
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
