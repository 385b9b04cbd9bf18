//! `job_status`: how a job stands, as a line of a list and as the answer to joining it.

use roomcast_proto::v1::{Fault, Job, JobState, JobSummary, Progress};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Body, Content, Envelope,
    job::{named, percent, status_word, text},
    now, rfc3339,
};

pub(super) fn body(summary: &JobSummary) -> Body {
    named("job_status", &Status::of_summary(summary))
}

/// The payload of the `job_status` that answers a join: the job's state at `cursor`, with a message
/// for the person who joined.
#[must_use]
pub fn job_status_of_job(topic: &str, cursor: &str, job: &Job, message: &str) -> String {
    let mut status = Status::of_job(job);
    status.message = text(message);
    sealed(topic, (cursor, cursor), &job.trace_id, &status)
}

/// The payload of a `job_status` for a line of a list's snapshot: where that stands, and what to go on after
/// once this line is known, which is nothing while others are to come.
#[must_use]
pub fn job_status_of_summary(topic: &str, places: (&str, &str), summary: &JobSummary) -> String {
    sealed(topic, places, "", &Status::of_summary(summary))
}

fn sealed(topic: &str, (at, cursor): (&str, &str), trace_id: &str, status: &Status<'_>) -> String {
    // A snapshot is no event of the log; the same snapshot told twice has the same id.
    let event_id = format!("snapshot:{}:{at}", status.job_id);
    let envelope = Envelope { topic, cursor, event_id: &event_id, trace_id, timestamp: now() };
    envelope.seal(&named("job_status", status).object)
}

/// A job as it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobStatus)]
pub(super) struct Status<'a> {
    /// The job.
    job_id: &'a str,
    /// What kind of work.
    kind: &'a str,
    /// `queued`, also while it waits for its time, then with `run_at`; `running`, also while it is being
    /// cancelled, then with `cancel_requested`; `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// Percent, 0 to 100.
    #[serde(serialize_with = "percent")]
    progress: f64,
    /// Number of the attempt, 0 before the first.
    attempt: u32,
    /// For a person: what the worker is at, or that the job is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Name of the stage under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    /// Of a completed job that is joined: any JSON, or `{content_type, data_base64}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    result: Option<Content<'a>>,
    /// What the last attempt failed with, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// The same for programs: a code of the registry, or the worker's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    /// The user it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    /// The project it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<&'a str>,
    /// When it may start, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    run_at: Option<String>,
    /// `true` where it was asked to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_requested: Option<bool>,
    /// When it was created, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

impl<'a> Status<'a> {
    fn of_job(job: &'a Job) -> Self {
        let state = job.state();
        Self {
            job_id: &job.job_id,
            kind: &job.kind,
            result: job.result.as_ref().map(Content::of),
            owner: text(&job.owner),
            project_id: text(&job.project_id),
            run_at: (state == JobState::Scheduled)
                .then(|| job.run_at.as_ref().map(rfc3339))
                .flatten(),
            created_at: job.create_time.as_ref().map(rfc3339),
            ..Self::at(state, job.attempt, job.progress.as_ref(), job.error.as_ref())
        }
    }

    fn of_summary(summary: &'a JobSummary) -> Self {
        Self {
            job_id: &summary.job_id,
            kind: &summary.kind,
            owner: text(&summary.owner),
            project_id: text(&summary.project_id),
            created_at: summary.create_time.as_ref().map(rfc3339),
            ..Self::at(
                summary.state(),
                summary.attempt,
                summary.progress.as_ref(),
                summary.error.as_ref(),
            )
        }
    }

    fn at(
        state: JobState,
        attempt: u32,
        progress: Option<&'a Progress>,
        fault: Option<&'a Fault>,
    ) -> Self {
        Self {
            job_id: "",
            kind: "",
            status: status_word(state),
            progress: if state == JobState::Completed {
                100.0
            } else {
                progress.map_or(0.0, |progress| progress.percent)
            },
            attempt,
            message: progress.and_then(|progress| text(&progress.message)),
            stage: progress.and_then(|progress| text(&progress.stage)),
            result: None,
            error: fault.map(|fault| fault.message.as_str()),
            error_code: fault.and_then(|fault| text(&fault.code)),
            owner: None,
            project_id: None,
            run_at: None,
            cancel_requested: (state == JobState::Cancelling).then_some(true),
            created_at: None,
        }
    }
}
