//! A job's events: `job_update`, `job_output`, `token_usage`, and those that its worker names.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost_types::Timestamp;
use roomcast_proto::v1::{Fault, JobEvent, JobOutput, JobState, JobUsed, job_event::Kind};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{Body, Content, reported, rfc3339};

/// The word for a state on the wire. Browsers know five: a job that waits for its time is queued, and
/// one that was asked to end is still running.
#[must_use]
pub fn status_word(state: JobState) -> &'static str {
    match state {
        JobState::Unspecified | JobState::Scheduled | JobState::Queued => "queued",
        JobState::Running | JobState::Cancelling => "running",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

pub(super) fn body(event_type: &str, event: &JobEvent) -> Body {
    match &event.kind {
        Some(Kind::Reported(reported)) => {
            Body::plain(event_type.to_owned(), reported::object(event, reported))
        }
        Some(Kind::Output(output)) => named("job_output", &Output::of(event, output)),
        Some(Kind::Used(used)) => named("token_usage", &TokenUsage::of(event, used)),
        Some(kind) => named("job_update", &Update::of(event, kind)),
        None => named("job_update", &Update::bare(event)),
    }
}

pub(super) fn named(name: &'static str, fields: &impl Serialize) -> Body {
    let object = serde_json::to_string(fields).unwrap_or_else(|_| "{}".to_owned());
    Body::plain(name, object)
}

/// Percent as browsers expect it: `45`, and `45.5` only when there is a fraction.
pub(super) fn percent<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = value.trunc();
    if whole == *value && (0.0..=100.0).contains(value) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a whole number from 0 to 100"
        )]
        return serializer.serialize_u8(whole as u8);
    }
    serializer.serialize_f64(*value)
}

pub(super) fn text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

/// How a job stands after an event, and what the event says.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = JobUpdate)]
pub(super) struct Update<'a> {
    /// The job.
    job_id: &'a str,
    /// `queued`, also while it waits for its time, then with `run_at`; `running`, also while it is being
    /// cancelled, then with `cancel_requested`; `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// Percent, 0 to 100.
    #[serde(serialize_with = "percent")]
    progress: f64,
    /// Number of the attempt, 0 before the first.
    attempt: u32,
    /// For a person: what the worker is at, or why the job is to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Name of the stage under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counters: BTreeMap<&'a str, i64>,
    /// Of a completed job: any JSON, or `{content_type, data_base64}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    result: Option<Content<'a>>,
    /// What the last attempt failed with, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// The same for programs: a code of the registry, or the worker's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    /// When it may start, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    run_at: Option<String>,
    /// `true` where it was asked to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_requested: Option<bool>,
}

impl<'a> Update<'a> {
    fn bare(event: &'a JobEvent) -> Self {
        let state = event.state();
        Self {
            job_id: &event.job_id,
            status: status_word(state),
            progress: event.percent,
            attempt: event.attempt,
            cancel_requested: (state == JobState::Cancelling).then_some(true),
            ..Self::default()
        }
    }

    fn of(event: &'a JobEvent, kind: &'a Kind) -> Self {
        let mut update = Self::bare(event);
        match kind {
            Kind::Created(created) => update.run_at = due(event.state(), created.run_at.as_ref()),
            Kind::Queued(queued) => {
                update.run_at = due(event.state(), queued.run_at.as_ref());
                update.blame(queued.error.as_ref());
            }
            Kind::Progressed(progressed) => {
                if let Some(progress) = &progressed.progress {
                    update.message = text(&progress.message);
                    update.stage = text(&progress.stage);
                    update.counters =
                        progress.counters.iter().map(|(name, at)| (name.as_str(), *at)).collect();
                }
            }
            Kind::CancelRequested(asked) => {
                update.cancel_requested = Some(true);
                update.message = text(&asked.reason);
            }
            Kind::Completed(completed) => {
                update.progress = 100.0;
                update.result = completed.result.as_ref().map(Content::of);
            }
            Kind::Failed(failed) => update.blame(failed.error.as_ref()),
            Kind::Cancelled(cancelled) => update.message = text(&cancelled.reason),
            Kind::Started(_) | Kind::Output(_) | Kind::Used(_) | Kind::Reported(_) => {}
        }
        update
    }

    fn blame(&mut self, fault: Option<&'a Fault>) {
        self.error = fault.map(|fault| fault.message.as_str());
        self.error_code = fault.and_then(|fault| text(&fault.code));
    }
}

fn due(state: JobState, run_at: Option<&Timestamp>) -> Option<String> {
    (state == JobState::Scheduled).then(|| run_at.map(rfc3339)).flatten()
}

/// A piece of what a job's worker wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobOutput)]
pub(super) struct Output<'a> {
    /// The job.
    job_id: &'a str,
    /// Number of its attempt.
    attempt: u32,
    /// Such as `stdout`.
    #[schema(example = "stdout")]
    channel: &'a str,
    /// Where it begins, in bytes from 0 in each attempt and channel.
    offset: u64,
    /// Where its bytes are UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    /// Where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

impl<'a> Output<'a> {
    fn of(event: &'a JobEvent, output: &'a JobOutput) -> Self {
        let data = std::str::from_utf8(&output.data).ok();
        Self {
            job_id: &event.job_id,
            attempt: event.attempt,
            channel: &output.channel,
            offset: output.offset,
            data,
            data_base64: data.is_none().then(|| BASE64_STANDARD.encode(&output.data)),
        }
    }
}

/// What the model's API reported: cumulative over the job, and never estimated.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenUsage<'a> {
    /// The job.
    job_id: &'a str,
    /// Number of its attempt.
    attempt: u32,
    /// Tokens of prompts.
    input_tokens: i64,
    /// Tokens of answers.
    output_tokens: i64,
    /// Input tokens that were served from a cache.
    cached_input_tokens: i64,
    /// Output tokens spent on reasoning.
    reasoning_tokens: i64,
    /// All tokens, as reported.
    total_tokens: i64,
    /// Cost in millionths of the account's currency, when the API reports it.
    cost_micros: i64,
    /// The model that answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
}

impl<'a> TokenUsage<'a> {
    fn of(event: &'a JobEvent, used: &'a JobUsed) -> Self {
        let usage = used.usage.as_ref();
        let count = |field: fn(&roomcast_proto::v1::Usage) -> i64| usage.map_or(0, field);
        Self {
            job_id: &event.job_id,
            attempt: event.attempt,
            input_tokens: count(|usage| usage.input_tokens),
            output_tokens: count(|usage| usage.output_tokens),
            cached_input_tokens: count(|usage| usage.cached_input_tokens),
            reasoning_tokens: count(|usage| usage.reasoning_tokens),
            total_tokens: count(|usage| usage.total_tokens),
            cost_micros: count(|usage| usage.cost_micros),
            model: usage.and_then(|usage| text(&usage.model)),
        }
    }
}
