//! A job: a pure machine. A [`Record`] takes a [`Command`] and answers the events that tell of it;
//! folding the events gives exactly the [`Job`].
//!
//! ```text
//! scheduled ─due─▶ queued ─lease, first report─▶ running ─▶ completed | failed
//!     ▲              ▲                              │ cancel
//!     └──── retry ───┴──── worker lost, released ───┤
//!                                                   ▼
//!                                              cancelling ─▶ cancelled
//! ```
//!
//! What the log tells is the [`Job`]. What only the core needs to guard it (who holds the lease,
//! which report came last, what is not yet logged) is its [`Custody`]; it is stored beside the job in
//! the same commit and never shown.

mod clock;
mod command;
mod decide;
mod event;
pub mod limit;
mod reported;
mod retry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use command::{Command, End, Fault, OutputChunk, ProgressUpdate, Refusal, Report, Taker};
pub use decide::Decision;
pub use event::{CancelMode, Entry, Event, QueueReason, Summary};
pub use limit::{Limit, Limits};
pub use reported::Reported;
pub use retry::RetryPolicy;

use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::trace::TraceId;

/// Where a job stands. The last three are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for its time.
    Scheduled,
    /// Waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// A worker is at it and was asked to end.
    Cancelling,
    /// Ended with a result.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended by a cancellation.
    Cancelled,
}

impl State {
    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, State::Completed | State::Failed | State::Cancelled)
    }
}

/// What a job was created as. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Unique.
    pub id: String,
    /// The tenant it lives in.
    pub tenant: String,
    /// The user it belongs to.
    pub owner: String,
    /// Its project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The session it works for: one of its project's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// What kind of work.
    pub kind: String,
    /// Free labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// -100 to 100; higher is sooner.
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Earliest start.
    pub run_at: Time,
    /// How failures are retried.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: RetryPolicy,
    /// How long things may take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timeouts: Timeouts,
    /// Only this worker may take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned_worker: Option<String>,
    /// The ended job that this one tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<String>,
    /// The request that created it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// When.
    pub created_at: Time,
}

impl Spec {
    /// A job of a tenant's user of which nothing more is said.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        kind: &str,
        (tenant, owner): (&str, &str),
        created_at: Time,
    ) -> Spec {
        Spec {
            id: id.into(),
            tenant: tenant.into(),
            owner: owner.into(),
            project: None,
            session: None,
            kind: kind.into(),
            labels: BTreeMap::new(),
            priority: 0,
            run_at: created_at,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            pinned_worker: None,
            retry_of: None,
            trace: None,
            created_at,
        }
    }
}

/// How long things may take. None means without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// From due to the start of an attempt.
    pub schedule_to_start: Duration,
    /// One attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Duration>,
    /// From creation to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let schedule_to_start = crate::domain::limits::SCHEDULE_TO_START;
        Timeouts { schedule_to_start, attempt: None, total: None }
    }
}

/// How far an attempt is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 100, never falling within an attempt.
    pub percent: f64,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The stage under way.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stage: String,
    /// By name, never falling.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, i64>,
}

/// What the model API reported. Cumulative, never falling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of prompts.
    #[serde(skip_serializing_if = "is_default")]
    pub input_tokens: i64,
    /// Tokens of answers.
    #[serde(skip_serializing_if = "is_default")]
    pub output_tokens: i64,
    /// Input tokens served from a cache.
    #[serde(skip_serializing_if = "is_default")]
    pub cached_input_tokens: i64,
    /// Output tokens spent on reasoning.
    #[serde(skip_serializing_if = "is_default")]
    pub reasoning_tokens: i64,
    /// All tokens.
    #[serde(skip_serializing_if = "is_default")]
    pub total_tokens: i64,
    /// Millionths of the account's currency.
    #[serde(skip_serializing_if = "is_default")]
    pub cost_micros: i64,
    /// The model that answered last.
    #[serde(skip_serializing_if = "is_default")]
    pub model: String,
}

/// That, why and by whom the job was asked to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelRequest {
    /// For people.
    pub reason: String,
    /// The user or service that asked.
    pub by: String,
}

/// A job as its log tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What it was created as. Shared: it never changes, and every change of a job copies the job.
    pub spec: Arc<Spec>,
    /// Where it stands.
    pub state: State,
    /// Earliest start of the next attempt.
    pub run_at: Time,
    /// Number of the attempt, 0 before the first.
    pub attempt: u32,
    /// How far the attempt is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub progress: Progress,
    /// Bytes of the attempt's output, by channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<String, u64>,
    /// Of all attempts together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage: Usage,
    /// What it produced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Payload>,
    /// What it, or the attempt before, failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// Set once somebody asked it to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelRequest>,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// When the attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
}

/// Who may write about a job, until when, and what was said but not yet logged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Custody {
    /// Grows with every lease. A worker's message must carry it.
    pub fence: u64,
    /// The lease in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Number of the last report applied within the fence.
    #[serde(default, skip_serializing_if = "is_default")]
    pub report: u64,
    /// How often a worker was lost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lease_losses: u32,
    /// Attempts that were given back unharmed and do not count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub released: u32,
    /// Usage of the attempts before this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage_before: Usage,
    /// Said, durable, and waiting for the next progress event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// When the last progress event was logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progressed_at: Option<Time>,
    /// The worker's own events are paid for with time, up to here.
    #[serde(default, skip_serializing_if = "is_default")]
    pub events_until: Time,
    /// Bytes of the attempt's own events.
    #[serde(default, skip_serializing_if = "is_default")]
    pub event_bytes: u64,
    /// When a cancellation no longer waits for the worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_by: Option<Time>,
}

/// A worker's hold on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who.
    pub worker: String,
    /// Until when, unless extended.
    pub expires_at: Time,
}

/// Progress and usage that wait for the next progress event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The newest progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The newest usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A job and its custody: what is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// As its log tells it.
    pub job: Job,
    /// As the core guards it.
    pub custody: Custody,
}

impl Record {
    /// The fence under which `worker` holds the job now.
    #[must_use]
    pub fn is_held_under(&self, fence: u64) -> bool {
        self.custody.lease.is_some() && self.custody.fence == fence
    }
}

/// What a record leaves out when it is stored: every report writes the whole record.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
