//! Jobs, both ways.

use std::collections::BTreeMap;
use std::time::Duration;

use roomcast_proto::v1;
use tonic::Status;

use super::check::{self, invalid};
use super::value::{cancel_requested, fault, payload, progress, state, usage};
use super::{duration, timestamp, trace_hex};
use crate::auth::Caller;
use crate::domain::job::{Limit, RetryPolicy, Spec, State, Timeouts};
use crate::domain::limits;
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::Stored;

const ATTEMPTS_MAX: u32 = 100;
const MULTIPLIER_MAX: f64 = 10.0;
const INITIAL_BACKOFF_MAX: Duration = Duration::from_secs(3600);
const BACKOFF_MAX: Duration = Duration::from_secs(24 * 3600);
const PRIORITY_MAX: i32 = 100;

/// A job as it stands, without its input.
pub(in crate::service) fn job(stored: &Stored) -> v1::Job {
    let job = &stored.record.job;
    let topic = Topic::new(&job.spec.tenant, Kind::Job, &job.spec.id);
    let cursor = topic.map(|topic| stored.cursor.token(&topic)).unwrap_or_default();
    let spec = &job.spec;
    v1::Job {
        job_id: spec.id.clone(),
        kind: spec.kind.clone(),
        tenant: spec.tenant.clone(),
        owner: spec.owner.clone(),
        project_id: spec.project.clone().unwrap_or_default(),
        state: state(job.state).into(),
        attempt: job.attempt,
        progress: Some(progress(&job.progress)),
        input: None,
        result: job.result.as_ref().map(payload),
        error: job.error.as_ref().map(fault),
        usage: Some(usage(&job.usage)),
        labels: spec.labels.clone(),
        priority: spec.priority,
        run_at: Some(timestamp(job.run_at)),
        retry: Some(retry(&spec.retry)),
        timeouts: Some(timeouts(&spec.timeouts)),
        cancel_requested: job.cancel.as_ref().map(cancel_requested),
        worker_id: job.worker.clone().unwrap_or_default(),
        retry_of: spec.retry_of.clone().unwrap_or_default(),
        create_time: Some(timestamp(spec.created_at)),
        start_time: job.started_at.map(timestamp),
        end_time: job.ended_at.map(timestamp),
        trace_id: trace_hex(spec.trace.as_ref()),
        cursor,
        output_bytes: job.output.clone(),
        session_id: spec.session.clone().unwrap_or_default(),
    }
}

pub(in crate::service) fn limit(limit: Limit) -> v1::JobLimit {
    v1::JobLimit { all: limit.all.unwrap_or(0), each: limit.each.unwrap_or(0) }
}

fn retry(policy: &RetryPolicy) -> v1::RetryPolicy {
    v1::RetryPolicy {
        max_attempts: policy.max_attempts,
        initial_backoff: Some(duration(policy.initial_backoff)),
        multiplier: policy.multiplier,
        max_backoff: Some(duration(policy.max_backoff)),
    }
}

fn timeouts(timeouts: &Timeouts) -> v1::Timeouts {
    v1::Timeouts {
        schedule_to_start: Some(duration(timeouts.schedule_to_start)),
        attempt: timeouts.attempt.map(duration),
        total: timeouts.total.map(duration),
    }
}

pub(in crate::service) fn state_in(value: i32) -> Result<State, Status> {
    match v1::JobState::try_from(value) {
        Ok(v1::JobState::Scheduled) => Ok(State::Scheduled),
        Ok(v1::JobState::Queued) => Ok(State::Queued),
        Ok(v1::JobState::Running) => Ok(State::Running),
        Ok(v1::JobState::Cancelling) => Ok(State::Cancelling),
        Ok(v1::JobState::Completed) => Ok(State::Completed),
        Ok(v1::JobState::Failed) => Ok(State::Failed),
        Ok(v1::JobState::Cancelled) => Ok(State::Cancelled),
        Ok(v1::JobState::Unspecified) | Err(_) => Err(invalid("states", "names no state")),
    }
}

/// What a create request describes, in the caller's name.
pub(in crate::service) fn spec(
    request: v1::CreateJobRequest,
    (caller, tenant): (&Caller, String),
    id: String,
    now: Time,
) -> Result<(Spec, Option<Payload>), Status> {
    let owner = caller.owner(&request.owner)?.to_owned();
    let owner = check::key("owner", owner, limits::SUBJECT_BYTES_MAX)?;
    check::name("tenant", tenant.clone())?;
    Topic::user(&tenant, &owner).map_err(|_| invalid("owner", "has 1 to 128 bytes, escaped"))?;
    if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&request.priority) {
        return Err(invalid("priority", "must be -100 to 100"));
    }
    let run_at = check::time("run_at", request.run_at)?.unwrap_or(now).max(now);
    if run_at > now + limits::TIMEOUT_MAX {
        return Err(invalid("run_at", "must lie within a year"));
    }
    let spec = Spec {
        id,
        tenant,
        owner,
        project: optional_name("project_id", request.project_id)?,
        session: optional_name("session_id", request.session_id)?,
        kind: check::name("kind", request.kind)?,
        labels: labels(request.labels)?,
        priority: request.priority,
        run_at,
        retry: retry_in(request.retry.unwrap_or_default())?,
        timeouts: timeouts_in(request.timeouts.unwrap_or_default())?,
        pinned_worker: optional_name("pinned_worker_id", request.pinned_worker_id)?,
        retry_of: None,
        trace: caller.trace,
        created_at: now,
    };
    let input = request.input.map(|input| check::payload("input", input)).transpose()?;
    Ok((spec, input))
}

fn optional_name(field: &str, value: String) -> Result<Option<String>, Status> {
    if value.is_empty() { Ok(None) } else { check::name(field, value).map(Some) }
}

pub(in crate::service) fn labels(
    labels: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Status> {
    if labels.len() > limits::LABELS_MAX {
        return Err(invalid("labels", "at most 32"));
    }
    let fits = |text: &str| text.len() <= limits::LABEL_BYTES_MAX && !text.contains('\0');
    if labels.iter().any(|(key, value)| key.is_empty() || !fits(key) || !fits(value)) {
        return Err(invalid(
            "labels",
            "keys have 1 to 128 bytes, values at most 128, none of them NUL",
        ));
    }
    Ok(labels)
}

fn retry_in(wire: v1::RetryPolicy) -> Result<RetryPolicy, Status> {
    let default = RetryPolicy::default();
    let max_attempts = match wire.max_attempts {
        0 => default.max_attempts,
        n if n <= ATTEMPTS_MAX => n,
        _ => return Err(invalid("retry.max_attempts", "must be 1 to 100")),
    };
    let multiplier = match wire.multiplier {
        0.0 => default.multiplier,
        m if (1.0..=MULTIPLIER_MAX).contains(&m) => m,
        _ => return Err(invalid("retry.multiplier", "must be 1 to 10")),
    };
    let first = check::span("retry.initial_backoff", wire.initial_backoff, INITIAL_BACKOFF_MAX)?;
    let longest = check::span("retry.max_backoff", wire.max_backoff, BACKOFF_MAX)?;
    Ok(RetryPolicy {
        max_attempts,
        initial_backoff: first.unwrap_or(default.initial_backoff),
        multiplier,
        max_backoff: longest.unwrap_or(default.max_backoff),
    })
}

fn timeouts_in(wire: v1::Timeouts) -> Result<Timeouts, Status> {
    let start =
        check::span("timeouts.schedule_to_start", wire.schedule_to_start, limits::TIMEOUT_MAX)?;
    Ok(Timeouts {
        schedule_to_start: start.unwrap_or(limits::SCHEDULE_TO_START),
        attempt: check::span("timeouts.attempt", wire.attempt, limits::TIMEOUT_MAX)?,
        total: check::span("timeouts.total", wire.total, limits::TIMEOUT_MAX)?,
    })
}
