//! What can be asked of a job, and why it may refuse.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Reported, Usage};
use crate::domain::payload::Payload;
use crate::domain::time::Time;

/// Something asked of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Hand the job to a worker.
    Lease {
        /// Who.
        worker: String,
        /// For how long.
        ttl: Duration,
    },
    /// The lease reached nobody: take it back before anything began.
    Return {
        /// From the lease.
        fence: u64,
    },
    /// The worker is still at it.
    Renew {
        /// From the lease.
        fence: u64,
        /// For how long from now.
        ttl: Duration,
    },
    /// The worker has news.
    Report(Box<Report>),
    /// Somebody wants it to end.
    Cancel {
        /// For people.
        reason: String,
        /// Who.
        by: String,
        /// How long the worker has.
        grace: Duration,
    },
    /// Time has passed.
    Tick {
        /// No lease counts as lost before this: after a start or an outage of the core, workers need
        /// a whole lease to come back.
        leases_hold_until: Time,
    },
}

/// A worker that takes a job as it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taker {
    /// Who.
    pub worker: String,
    /// For how long the lease is.
    pub ttl: Duration,
}

/// A worker's numbered news.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// From the lease.
    pub fence: u64,
    /// 1, 2, 3… within the fence.
    pub number: u64,
    /// The lease counts from here for so long.
    pub ttl: Duration,
    /// Changes of the progress.
    pub progress: Option<ProgressUpdate>,
    /// New output.
    pub output: Vec<OutputChunk>,
    /// Cumulative usage of this attempt.
    pub usage: Option<Usage>,
    /// Events of the worker's own.
    pub events: Vec<Reported>,
    /// How the attempt ends, if it does.
    pub end: Option<End>,
}

impl Report {
    /// Whether it tells of anything that was done, and not only that nothing more will be.
    #[must_use]
    pub fn tells_of_work(&self) -> bool {
        let is_idle = self.progress.is_none()
            && self.output.is_empty()
            && self.usage.is_none()
            && self.events.is_empty();
        !is_idle || matches!(self.end, Some(End::Completed(_) | End::Failed { .. }))
    }
}

/// Changes of some of the progress.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProgressUpdate {
    /// 0 to 100.
    pub percent: Option<f64>,
    /// Added to the percent, stopping at 100.
    pub increment: Option<f64>,
    /// For people.
    pub message: Option<String>,
    /// The stage under way.
    pub stage: Option<String>,
    /// New values of some counters.
    pub counters: BTreeMap<String, i64>,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// Where.
    pub channel: String,
    /// Position of the first byte.
    pub offset: u64,
    /// The bytes.
    pub data: Bytes,
}

/// How an attempt ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Well.
    Completed(Option<Payload>),
    /// Badly.
    Failed {
        /// Why.
        error: Fault,
        /// Wait so long instead of the policy's wait.
        retry_after: Option<Duration>,
    },
    /// As asked.
    Cancelled,
    /// Not here: give it to another worker.
    Released,
}

/// An error as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether another attempt may do better.
    #[serde(default)]
    pub retryable: bool,
}

/// Why a job refuses a command. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The sender's lease is lost.
    #[error("the lease is lost: fence {fence} is not in force; drop the work")]
    Fenced {
        /// The fence that came.
        fence: u64,
    },
    /// The report is already in. Acknowledge it again.
    #[error("report {number} is already in")]
    Duplicate {
        /// The last report that is in.
        number: u64,
    },
    /// A report is missing before this one.
    #[error("report {number} came before report {expected}; send from {expected} on")]
    OutOfOrder {
        /// What came.
        number: u64,
        /// What was due.
        expected: u64,
    },
    /// A chunk does not join on to what was written.
    #[error("output of {channel} goes on at byte {expected}, not {offset}")]
    OutputGap {
        /// Where.
        channel: String,
        /// What came.
        offset: u64,
        /// What was due.
        expected: u64,
    },
    /// The worker says more in its own words than may be.
    #[error("a job has at most 200 events of its worker's own a second; send again after {wait:?}")]
    TooFast {
        /// When the report will fit.
        wait: Duration,
    },
    /// The job has ended.
    #[error("the job has ended and takes nothing more")]
    Ended,
    /// The worker says it cancelled what nobody asked to cancel.
    #[error("nobody asked this job to end")]
    NotCancelling,
    /// The job is not to be had: leased, not due, pinned to another worker, or behind a limit of its
    /// kind.
    #[error("the job is not free to lease")]
    NotFree,
    /// A value is out of its range.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}
