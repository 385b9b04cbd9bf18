//! The facts of a job's life, and how they fold into the job.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{CancelRequest, Fault, Job, Progress, Reported, Spec, State, Usage};
use crate::domain::payload::Payload;
use crate::domain::time::Time;

/// Why a job waits again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueReason {
    /// Its time has come.
    Due,
    /// The attempt failed and the policy allows another.
    Retry,
    /// Its worker was lost.
    WorkerLost,
    /// Its worker gave it back.
    Released,
}

/// How a cancellation ended the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelMode {
    /// No worker had begun.
    BeforeStart,
    /// The worker ended its work.
    Acknowledged,
    /// The worker did not end in time, or was lost.
    Forced,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The job came to be.
    Created(Arc<Spec>),
    /// It waits again.
    Queued {
        /// Why.
        reason: QueueReason,
        /// Earliest start: until then it is scheduled.
        run_at: Time,
        /// What the attempt failed with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Fault>,
    },
    /// An attempt began.
    Started {
        /// Who works on it.
        worker: String,
    },
    /// The attempt came further: the whole progress.
    Progressed(Progress),
    /// The attempt wrote output.
    Output {
        /// Where.
        channel: String,
        /// Position of the first byte.
        offset: u64,
        /// The bytes. They lie beside the record, not in it.
        #[serde(skip)]
        data: Bytes,
    },
    /// The job's usage so far.
    Used(Usage),
    /// Its worker said something in its own words.
    Reported(Reported),
    /// Somebody asked it to end.
    CancelRequested(CancelRequest),
    /// It ended well.
    Completed {
        /// What it produced.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Payload>,
    },
    /// It ended badly.
    Failed {
        /// Why.
        error: Fault,
    },
    /// It was cancelled.
    Cancelled {
        /// For people.
        reason: String,
        /// How.
        mode: CancelMode,
    },
}

impl Event {
    /// The event's type on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Event::Created(_) => "job.created",
            Event::Queued { .. } => "job.queued",
            Event::Started { .. } => "job.started",
            Event::Progressed(_) => "job.progress",
            Event::Output { .. } => "job.output",
            Event::Used(_) => "job.usage",
            Event::Reported(reported) => &reported.kind,
            Event::CancelRequested(_) => "job.cancel_requested",
            Event::Completed { .. } => "job.completed",
            Event::Failed { .. } => "job.failed",
            Event::Cancelled { .. } => "job.cancelled",
        }
    }

    /// Channel, offset and bytes, if it is output.
    #[must_use]
    pub fn output(&self) -> Option<(&str, u64, &Bytes)> {
        let Event::Output { channel, offset, data } = self else { return None };
        Some((channel, *offset, data))
    }

    /// Bytes of a user's own content in it.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        if let Event::Output { data, .. }
        | Event::Reported(Reported { payload: Payload { data, .. }, .. })
        | Event::Completed { result: Some(Payload { data, .. }) } = self
        {
            data.len()
        } else {
            0
        }
    }

    /// Whether nothing can follow it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Event::Completed { .. } | Event::Failed { .. } | Event::Cancelled { .. })
    }
}

/// A fact as logged: with the state after it, so that a reader of one event needs no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The job.
    pub job_id: String,
    /// Where it stands after the event.
    pub state: State,
    /// The attempt the event belongs to.
    pub attempt: u32,
    /// Percent done after the event.
    pub percent: f64,
    /// The fact.
    pub event: Event,
}

/// A job's line in its owner's and its project's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The job.
    pub job_id: String,
    /// What kind of work.
    pub kind: String,
    /// Who owns it.
    pub owner: String,
    /// Its project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Where it stands.
    pub state: State,
    /// The attempt.
    pub attempt: u32,
    /// How far it is.
    pub progress: Progress,
    /// What it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// When it was created.
    pub created_at: Time,
}

impl Summary {
    /// The type of summaries on the wire.
    pub const KIND: &'static str = "job.summary";

    /// The line of a job.
    #[must_use]
    pub fn of(job: &Job) -> Summary {
        Summary {
            job_id: job.spec.id.clone(),
            kind: job.spec.kind.clone(),
            owner: job.spec.owner.clone(),
            project: job.spec.project.clone(),
            state: job.state,
            attempt: job.attempt,
            progress: job.progress.clone(),
            error: job.error.clone(),
            created_at: job.spec.created_at,
        }
    }
}

impl Job {
    /// The job that a `Created` event tells of.
    #[must_use]
    pub fn created(spec: Arc<Spec>) -> Job {
        let state = if spec.run_at > spec.created_at { State::Scheduled } else { State::Queued };
        Job {
            state,
            run_at: spec.run_at,
            attempt: 0,
            progress: Progress::default(),
            output: BTreeMap::new(),
            usage: Usage::default(),
            result: None,
            error: None,
            cancel: None,
            worker: None,
            started_at: None,
            ended_at: None,
            spec,
        }
    }

    /// Folds one event, committed `at`, into the job. The only way a job changes.
    pub fn apply(&mut self, event: &Event, at: Time) {
        match event {
            Event::Created(spec) => *self = Job::created(Arc::clone(spec)),
            Event::Queued { run_at, error, .. } => {
                self.state = if *run_at > at { State::Scheduled } else { State::Queued };
                self.run_at = *run_at;
                self.worker = None;
                if error.is_some() {
                    self.error.clone_from(error);
                }
            }
            Event::Started { worker } => {
                self.state = if self.cancel.is_some() { State::Cancelling } else { State::Running };
                self.attempt += 1;
                self.progress = Progress::default();
                self.output.clear();
                self.error = None;
                self.worker = Some(worker.clone());
                self.started_at = Some(at);
            }
            Event::Progressed(progress) => self.progress = progress.clone(),
            Event::Output { channel, offset, data } => {
                self.output.insert(channel.clone(), offset + data.len() as u64);
            }
            Event::Used(usage) => self.usage = usage.clone(),
            Event::Reported(_) => {}
            Event::CancelRequested(request) => {
                self.state = State::Cancelling;
                self.cancel = Some(request.clone());
            }
            Event::Completed { result } => {
                self.progress.percent = 100.0;
                self.result.clone_from(result);
                self.end(State::Completed, at);
            }
            Event::Failed { error } => {
                self.error = Some(error.clone());
                self.end(State::Failed, at);
            }
            Event::Cancelled { reason, .. } => {
                if self.cancel.is_none() {
                    self.cancel = Some(CancelRequest { reason: reason.clone(), by: String::new() });
                }
                self.end(State::Cancelled, at);
            }
        }
    }

    fn end(&mut self, state: State, at: Time) {
        self.state = state;
        self.worker = None;
        self.ended_at = Some(at);
    }
}
