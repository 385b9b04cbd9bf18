//! How an attempt ends.

use std::time::Duration;

use bytes::Bytes;
use roomcast_proto::v1::{self, Fault, Payload, Report, report};
use serde::Serialize;

use super::news::News;

/// Media type of results that [`Completion::json`] writes.
const JSON: &str = "application/json";

/// How a worker ends an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Well. The job is completed.
    Completed(Completion),
    /// Badly. The job is tried again if its policy and the failure allow.
    Failed(Failure),
    /// As somebody asked: the core takes it only then.
    Cancelled,
    /// Not here, with why, for a person. The job waits again and the attempt does not count.
    Released(String),
}

/// Why a handler stops without a result; `?` makes one of a [`Failure`], of [`Lost`], and of what a flush
/// fails with.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The attempt failed.
    Failed(Failure),
    /// It was asked to end, and did.
    Cancelled,
    /// It gives the job back, with why, for a person.
    Released(String),
    /// The job is another's: nothing is left to say.
    Lost,
}

/// What a job produced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    result: Option<Payload>,
    /// Mostly none.
    news: Option<Box<News>>,
}

impl Completion {
    /// Nothing but its end.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A value as JSON, at most 1 MiB.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        match serde_json::to_vec(value) {
            Ok(data) => Ok(Self::bytes(JSON, data)),
            Err(error) => Err(Failure::new("result_unwritable", error.to_string())),
        }
    }

    /// Bytes of any media type, at most 1 MiB.
    pub fn bytes(content_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        let result = Some(Payload { content_type: content_type.into(), data: data.into() });
        Self { result, news: None }
    }

    /// Tells this with the end, in one report: nobody ever sees the one without the other.
    #[must_use]
    pub fn with(self, news: News) -> Self {
        Self { news: Some(Box::new(news)), ..self }
    }
}

/// What an attempt failed with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct Failure {
    code: String,
    message: String,
    is_retryable: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that another attempt would meet as well. `code` is `[a-z0-9_.-]{1,64}`; `message`
    /// tells a person what went wrong and how to mend it, at most 4 KiB.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, is_retryable: false, retry_after: None }
    }

    /// Another attempt may do better: the job's policy says whether and when there is one.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.is_retryable = true;
        self
    }

    /// Another attempt may do better after this long, whatever the policy's wait is.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self.retryable()
    }

    /// The code it was made with.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message it was made with.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether another attempt may do better.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_retryable
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let failure = Failure::new(fault.code, fault.message);
        if fault.retryable { failure.retryable() } else { failure }
    }
}

/// The lease is lost: the job is another's, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease on the job is lost")]
pub struct Lost;

/// Why not all that was reported is on record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReportError {
    /// The lease is lost.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The core did not take this end, or a report, the first of those that it did not. The job goes on
    /// without it.
    #[error("{0}")]
    Refused(Failure),
}

impl From<ReportError> for Stop {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Lost(lost) => lost.into(),
            ReportError::Refused(failure) => failure.into(),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Self {
        Stop::Lost
    }
}

impl From<End> for Report {
    fn from(mut end: End) -> Self {
        let news = match &mut end {
            End::Completed(completion) => completion.news.take(),
            End::Failed(_) | End::Cancelled | End::Released(_) => None,
        };
        let news = news.map_or_else(Report::default, |news| (*news).into());
        Report { end: Some(end.into()), ..news }
    }
}

impl From<End> for report::End {
    fn from(end: End) -> Self {
        match end {
            End::Completed(Completion { result, .. }) => {
                report::End::Completed(v1::Completion { result })
            }
            End::Failed(failure) => report::End::Failed(v1::Failure {
                error: Some(Fault {
                    code: failure.code,
                    message: failure.message,
                    retryable: failure.is_retryable,
                }),
                // `None` only beyond the range of the contract, where the policy's wait is as good.
                retry_after: failure.retry_after.and_then(|wait| wait.try_into().ok()),
            }),
            End::Cancelled => report::End::Cancelled(v1::Cancellation {}),
            End::Released(reason) => report::End::Released(v1::Release { reason }),
        }
    }
}
