//! Why a request is not done, and how its client is told.

use std::time::Duration;

use roomcast_proto::registry::Code;
use serde::Serialize;
use tonic::Status;

use super::{
    emit::{Gone, NotQueued, Outlet},
    payload::{ErrorEvent, NackError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: Code,
    message: String,
    retry_after: Option<Duration>,
    topic: Option<String>,
}

/// Characters of what is said of a message that cannot be understood: it may quote what was sent.
const QUOTED_CHARS_MAX: usize = 300;

pub(super) fn malformed(message: impl Into<String>) -> Refusal {
    let mut message = message.into();
    if let Some((end, _)) = message.char_indices().nth(QUOTED_CHARS_MAX) {
        message.truncate(end);
    }
    Refusal::new(Code::MalformedMessage, message)
}

/// `{ok: false, error: {…}}`: an answered acknowledgement.
#[derive(Debug, Serialize)]
struct Nack<'a> {
    ok: bool,
    error: NackError<'a>,
}

impl Refusal {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None, topic: None }
    }

    /// With a time after which it would be done.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Says which topic the client does without.
    pub(super) fn of(self, topic: &str) -> Self {
        Self { topic: Some(topic.to_owned()), ..self }
    }

    /// With the name that a field has here, where the core's contract calls it something else.
    pub(super) fn naming(self, field: &str, here: &str) -> Self {
        let problem = self.message.strip_prefix(field).filter(|problem| problem.starts_with(':'));
        match problem.map(|problem| format!("{here}{problem}")) {
            Some(message) => Self { message, ..self },
            None => self,
        }
    }

    /// What the core refused of a topic. An unknown job and another user's look the same.
    pub(super) fn of_topic(status: &Status, topic: &str) -> Self {
        let refusal = match topic.strip_prefix("job:") {
            Some(job_id) if status.code() == tonic::Code::NotFound => {
                let message = format!("Job {job_id} not found or access denied");
                Self::new(Code::JobNotFound, message)
            }
            Some(_) | None => Self::from(status),
        };
        refusal.of(topic)
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Whether it may be different another time.
    pub(super) fn is_retryable(&self) -> bool {
        self.code.entry().retryable
    }

    pub(super) fn message(&self) -> &str {
        &self.message
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
        let topic = self.topic.as_deref();
        ErrorEvent { code: self.code.as_str(), message: &self.message, retry_after_ms, topic }
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
