//! A job as REST shows it.

use std::collections::BTreeMap;

use roomcast_proto::v1::{Job as Message, JobState};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::names::{Content, Usage, rfc3339, status_word};

/// A job as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Job<'a> {
    /// Unique, chosen by the core.
    job_id: &'a str,
    /// What kind of work.
    kind: &'a str,
    /// Where it stands: `queued` (also while it waits for `run_at`), `running` (also while it is asked
    /// to end: `cancel_requested`), `completed`, `failed` or `cancelled`.
    #[schema(example = "running")]
    status: &'static str,
    /// Percent done, 0 to 100.
    #[serde(serialize_with = "percent")]
    #[schema(example = 45)]
    progress: f64,
    /// What the worker is at, for a person.
    message: Option<&'a str>,
    /// Name of the stage under way.
    stage: Option<&'a str>,
    /// Counters by name. None ever falls within an attempt.
    counters: BTreeMap<&'a str, i64>,
    /// Number of the attempt, 0 before the first.
    attempt: u32,
    /// What to work on, as given. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    input: Option<Content<'a>>,
    /// What it produced. JSON as it was given; another content type as `{content_type, data_base64}`.
    #[schema(value_type = Option<Value>)]
    result: Option<Content<'a>>,
    /// What it failed with, for a person.
    error: Option<&'a str>,
    /// What it failed with: a code of the registry, or the worker's own.
    error_code: Option<&'a str>,
    /// What the model API reported so far; null when it reported nothing.
    usage: Option<Usage<'a>>,
    /// Free labels.
    labels: BTreeMap<&'a str, &'a str>,
    /// -100 to 100; higher is sooner.
    priority: i32,
    /// The user it belongs to.
    owner: &'a str,
    /// The project it belongs to.
    project_id: Option<&'a str>,
    /// The session it works for, if any.
    session_id: Option<&'a str>,
    /// The tenant it lives in.
    tenant: &'a str,
    /// When it may start, while it waits for that. RFC 3339.
    #[schema(format = DateTime)]
    run_at: Option<String>,
    /// Whether somebody asked it to end.
    cancel_requested: bool,
    /// The worker at it, while one is.
    worker_id: Option<&'a str>,
    /// The ended job that this one tries again.
    retry_of: Option<&'a str>,
    /// Bytes of output by channel, of the attempt.
    output_bytes: BTreeMap<&'a str, u64>,
    /// When it was created. RFC 3339.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// When the attempt under way, or the last one, began. RFC 3339.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended. RFC 3339.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    /// W3C trace id of the request that created it.
    trace_id: &'a str,
    /// Its topic's head that this state stands at: read or follow events from here.
    cursor: &'a str,
    /// Workers connected that serve its kind. Only where one job is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<u32>,
}

impl<'a> Job<'a> {
    pub(super) fn of(job: &'a Message) -> Self {
        let state = job.state();
        let progress = job.progress.as_ref();
        Self {
            job_id: &job.job_id,
            kind: &job.kind,
            status: status_word(state),
            progress: if state == JobState::Completed {
                100.0
            } else {
                progress.map_or(0.0, |progress| progress.percent)
            },
            message: progress.and_then(|progress| text(&progress.message)),
            stage: progress.and_then(|progress| text(&progress.stage)),
            counters: progress.map_or_else(BTreeMap::new, |progress| {
                progress.counters.iter().map(|(name, count)| (name.as_str(), *count)).collect()
            }),
            attempt: job.attempt,
            input: job.input.as_ref().map(Content::of),
            result: job.result.as_ref().map(Content::of),
            error: job.error.as_ref().map(|fault| fault.message.as_str()),
            error_code: job.error.as_ref().and_then(|fault| text(&fault.code)),
            usage: Usage::reported(job.usage.as_ref()),
            labels: job.labels.iter().map(|(key, value)| (&**key, &**value)).collect(),
            priority: job.priority,
            owner: &job.owner,
            project_id: text(&job.project_id),
            session_id: text(&job.session_id),
            tenant: &job.tenant,
            run_at: job.run_at.as_ref().filter(|_| state == JobState::Scheduled).map(rfc3339),
            cancel_requested: job.cancel_requested.is_some(),
            worker_id: text(&job.worker_id),
            retry_of: text(&job.retry_of),
            output_bytes: job.output_bytes.iter().map(|(name, size)| (&**name, *size)).collect(),
            created_at: job.create_time.as_ref().map(rfc3339),
            started_at: job.start_time.as_ref().map(rfc3339),
            completed_at: job.end_time.as_ref().map(rfc3339),
            trace_id: &job.trace_id,
            cursor: &job.cursor,
            workers: None,
        }
    }

    pub(super) fn served_by(self, workers: u32) -> Self {
        Self { workers: Some(workers), ..self }
    }
}

/// `45`, and `45.5` only when there is a fraction: as the same job's events say it.
fn percent<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let text = value.to_string();
    match text.parse::<u8>() {
        Ok(whole) => serializer.serialize_u8(whole),
        Err(_) => serializer.serialize_f64(*value),
    }
}

fn text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests;
