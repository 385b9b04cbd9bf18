//! The body of `POST /jobs`.

use std::collections::BTreeMap;

use prost_types::{Duration, Timestamp};
use roomcast_proto::v1;
use serde::Deserialize;
use serde_json::value::RawValue;
use tonic::Status;
use utoipa::ToSchema;

use crate::{
    problem::Problem,
    rest::{idempotency::IdempotencyKey, payload::payload},
};

/// A job to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rest) struct NewJob {
    /// What kind of work, `[A-Za-z0-9_.-]{1,128}`. Workers choose by it.
    #[schema(example = "report.render")]
    kind: String,
    /// What to work on: any JSON, at most 1 MiB, kept byte for byte.
    #[schema(value_type = Option<Value>)]
    input: Option<Box<RawValue>>,
    /// The user it belongs to: the caller, unless a service or an admin says otherwise.
    owner: Option<String>,
    /// The project it belongs to.
    project_id: Option<String>,
    /// The session it works for: one of its project's, which need not be named then.
    session_id: Option<String>,
    /// -100 to 100; higher is sooner.
    #[serde(default)]
    priority: i32,
    /// Earliest start, RFC 3339. Left out or past means at once.
    #[schema(format = DateTime)]
    run_at: Option<String>,
    /// How failures are retried.
    retry: Option<Retry>,
    /// How long things may take.
    timeouts: Option<Timeouts>,
    /// Free labels: at most 32, keys and values at most 128 bytes.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same job for 24 h.
    idempotency_key: Option<String>,
}

/// How a failed attempt is followed by another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rest) struct Retry {
    /// Attempts in all, 1 to 100. Left out means 3.
    #[serde(default)]
    max_attempts: u32,
    /// Wait before the second attempt, up to 1 h. Left out means 1 s.
    initial_backoff_ms: Option<u64>,
    /// Growth of the wait, 1 to 10. Left out means 2.
    #[serde(default)]
    multiplier: f64,
    /// Longest wait, up to 24 h. Left out means 5 min.
    max_backoff_ms: Option<u64>,
}

/// Bounds of a job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::rest) struct Timeouts {
    /// From due to the first start. Left out means 24 h.
    schedule_to_start_ms: Option<u64>,
    /// One attempt. Left out means no bound.
    attempt_ms: Option<u64>,
    /// From creation to the end, all attempts together. Left out means no bound.
    total_ms: Option<u64>,
}

impl NewJob {
    pub(super) fn request(self, key: IdempotencyKey) -> Result<v1::CreateJobRequest, Problem> {
        Ok(v1::CreateJobRequest {
            kind: self.kind,
            input: self.input.map(payload),
            owner: self.owner.unwrap_or_default(),
            tenant: String::new(),
            project_id: self.project_id.unwrap_or_default(),
            session_id: self.session_id.unwrap_or_default(),
            priority: self.priority,
            run_at: self.run_at.as_deref().map(instant).transpose()?,
            retry: self.retry.map(Retry::policy),
            timeouts: self.timeouts.map(Timeouts::message),
            labels: self.labels,
            idempotency_key: key.or(self.idempotency_key)?,
            pinned_worker_id: String::new(),
        })
    }
}

impl Retry {
    fn policy(self) -> v1::RetryPolicy {
        v1::RetryPolicy {
            max_attempts: self.max_attempts,
            initial_backoff: self.initial_backoff_ms.map(millis),
            multiplier: self.multiplier,
            max_backoff: self.max_backoff_ms.map(millis),
        }
    }
}

impl Timeouts {
    fn message(self) -> v1::Timeouts {
        v1::Timeouts {
            schedule_to_start: self.schedule_to_start_ms.map(millis),
            attempt: self.attempt_ms.map(millis),
            total: self.total_ms.map(millis),
        }
    }
}

/// A span of time is told in milliseconds here, as its name says.
pub(super) fn refused(status: Status) -> Problem {
    let spans = ["initial_backoff", "max_backoff", "schedule_to_start", "attempt", "total"];
    spans
        .into_iter()
        .fold(Problem::from(status), |problem, span| problem.naming(span, &format!("{span}_ms")))
}

fn instant(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        Problem::field("run_at", "must be an instant in RFC 3339, such as 2026-01-31T12:00:00Z")
    })
}

fn millis(count: u64) -> Duration {
    let nanos = i32::try_from(count % 1000).unwrap_or_default() * 1_000_000;
    Duration { seconds: i64::try_from(count / 1000).unwrap_or(i64::MAX), nanos }
}

#[cfg(test)]
mod tests;
