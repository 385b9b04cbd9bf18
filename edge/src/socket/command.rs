//! What a client asks for: the event's name and its one argument, or why it cannot be understood.

use std::{fmt, time::Duration};

use roomcast_proto::registry::Code;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use socketioxide_core::Str;
use tonic::Status;

use super::{Gone, Outlet, emit::NotQueued, inbound::Message};

/// Characters of an id, as topics have them.
const ID_BYTES_MAX: usize = 128;

/// A client's request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    JoinJob { job_id: String, since: Option<String> },
    LeaveJob { job_id: String },
    SubscribeJobs { since: Option<String> },
    UnsubscribeJobs,
    JoinRoom { room: String, since: Option<String> },
    LeaveRoom { room: String },
    Authenticate { token: Token },
    Ping,
}

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: Code,
    message: String,
    retry_after: Option<Duration>,
}

#[derive(Debug, Deserialize)]
struct JoinJob {
    job_id: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LeaveJob {
    job_id: Option<Id>,
}

#[derive(Debug, Deserialize)]
struct JoinRoom {
    room: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LeaveRoom {
    room: Option<Id>,
}

#[derive(Debug, Deserialize)]
struct Authenticate {
    token: Token,
}

/// A user's token. `Debug` shows nothing of it.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}

#[derive(Debug, Default, Deserialize)]
struct SubscribeJobs {
    since: Option<String>,
}

/// An id as clients write it: some write numbers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

impl Command {
    pub(super) fn parse(message: &Message) -> Result<Self, Refusal> {
        if message.has_attachments {
            return Err(malformed("attachments are not part of any event here"));
        }
        let parts: Vec<&RawValue> = serde_json::from_str(&message.text)
            .map_err(|_| malformed("the message is not a list of a name and its argument"))?;
        let (name, arguments) =
            parts.split_first().ok_or_else(|| malformed("the message names no event"))?;
        let name: String = serde_json::from_str(name.get())
            .map_err(|_| malformed("the event's name is not a string"))?;
        let argument = arguments.first().copied();
        match name.as_str() {
            "join_job" => {
                let JoinJob { job_id, since } = required(argument, &name)?;
                Ok(Self::JoinJob { job_id: id("job_id", job_id)?, since })
            }
            "leave_job" => {
                let LeaveJob { job_id } = required(argument, &name)?;
                Ok(Self::LeaveJob { job_id: id("job_id", job_id)? })
            }
            "subscribe_jobs" => {
                let SubscribeJobs { since } = optional(argument, &name)?;
                Ok(Self::SubscribeJobs { since })
            }
            "unsubscribe_jobs" => Ok(Self::UnsubscribeJobs),
            "join_room" => {
                let JoinRoom { room, since } = required(argument, &name)?;
                Ok(Self::JoinRoom { room: id("room", room)?, since })
            }
            "leave_room" => {
                let LeaveRoom { room } = required(argument, &name)?;
                Ok(Self::LeaveRoom { room: id("room", room)? })
            }
            "authenticate" => {
                let Authenticate { token } = required(argument, &name)?;
                if token.0.is_empty() {
                    return Err(malformed("the token is empty"));
                }
                Ok(Self::Authenticate { token })
            }
            "ping" => Ok(Self::Ping),
            _ => Err(malformed("no such event; docs/PROTOCOL.md lists them")),
        }
    }
}

/// For [`crate::probe`]: a text that is understood or refused, and the refusal has a text.
pub(crate) fn probe(text: Str) {
    let message = Message { text, ack: None, has_attachments: false };
    if let Err(refusal) = Command::parse(&message) {
        assert!(!refusal.message.is_empty());
    }
}

fn required<T: DeserializeOwned>(argument: Option<&RawValue>, name: &str) -> Result<T, Refusal> {
    argument
        .and_then(|argument| serde_json::from_str(argument.get()).ok())
        .ok_or_else(|| malformed(format!("{name} takes one object, as docs/PROTOCOL.md says")))
}

fn optional<T>(argument: Option<&RawValue>, name: &str) -> Result<T, Refusal>
where
    T: Default + DeserializeOwned,
{
    match argument.map(RawValue::get) {
        None | Some("null") => Ok(T::default()),
        Some(_) => required(argument, name),
    }
}

fn id(field: &str, id: Option<Id>) -> Result<String, Refusal> {
    let id = match id {
        None => return Err(malformed(format!("{field} is required"))),
        Some(Id::Text(text)) => text,
        Some(Id::Number(number)) => number.to_string(),
    };
    let is_well_formed = (1..=ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if is_well_formed { Ok(id) } else { Err(malformed(format!("{field} is not an id"))) }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::MalformedMessage, message)
}

/// `{code, message, retry_after_ms?}`: an `error` event.
#[derive(Debug, Serialize)]
struct ErrorEvent<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u128>,
}

/// `{ok: false, error: {…}}`: an answered acknowledgement.
#[derive(Debug, Serialize)]
struct Nack<'a> {
    ok: bool,
    error: NackError<'a>,
}

#[derive(Debug, Serialize)]
struct NackError<'a> {
    code: &'static str,
    message: &'a str,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u128>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    /// With a time after which it would be done.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// What the core refused. An unknown job and another user's look the same.
    pub(super) fn of_job(status: &Status, job_id: &str) -> Self {
        if status.code() == tonic::Code::NotFound {
            let message = format!("Job {job_id} not found or access denied");
            return Self::new(Code::JobNotFound, message);
        }
        Self::from(status)
    }

    /// As [`Refusal::of_job`], of any topic.
    pub(super) fn of_topic(status: &Status, topic: &str) -> Self {
        match topic.strip_prefix("job:") {
            Some(job_id) => Self::of_job(status, job_id),
            None => Self::from(status),
        }
    }

    /// Where the client waits for an answer it gets this one, else an `error` event.
    pub(super) async fn tell(&self, outlet: &Outlet, ack: Option<i64>) -> Result<(), Gone> {
        match ack {
            Some(ack) => outlet.acknowledge(ack, &self.nack()).await,
            None => outlet.tell("error", &self.event()).await,
        }
    }

    pub(super) fn try_tell(&self, outlet: &Outlet, ack: Option<i64>) -> Result<(), NotQueued> {
        match ack {
            Some(_) => outlet.try_answer(ack, "error", &self.nack()),
            None => outlet.try_answer(ack, "error", &self.event()),
        }
    }

    fn event(&self) -> ErrorEvent<'_> {
        let retry_after_ms = self.retry_after_ms();
        ErrorEvent { code: self.code.as_str(), message: &self.message, retry_after_ms }
    }

    fn nack(&self) -> Nack<'_> {
        let entry = self.code.entry();
        let error = NackError {
            code: entry.code,
            message: &self.message,
            retryable: entry.retryable,
            retry_after_ms: self.retry_after_ms(),
        };
        Nack { ok: false, error }
    }

    /// Rounded up: a client that comes back a moment early would only be told to wait again.
    fn retry_after_ms(&self) -> Option<u128> {
        self.retry_after.map(|wait| wait.as_millis() + 1)
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let code = Code::of(status);
        let is_inside =
            matches!(code, Code::Internal | Code::CoreUnavailable | Code::DeadlineExceeded);
        // What broke inside is for the operator; the registry says what a user needs to know.
        Self::new(code, if is_inside { code.entry().cause } else { status.message() })
    }
}

#[cfg(test)]
mod tests;
