//! `/jobs`: create, read, list, cancel, retry, read output, follow.

mod create;
mod filter;
mod output;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::HeaderMap;
use roomcast_proto::{
    registry::Code,
    v1::{CancelJobRequest, GetJobRequest, Job as Message, RetryJobRequest},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{create::NewJob, filter::JobFilter};
use super::{
    body::{Body, OptionalBody},
    caller::Caller,
    events::{self, EventPage, EventsQuery},
    idempotency::IdempotencyKey,
    job::Job,
    openapi::Failures,
    page_query::next_page,
    parameters::Parameters,
    path::Path,
};
use crate::{problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(follow))
        .routes(routes!(output::read))
}

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct JobPage<'a> {
    jobs: Vec<Job<'a>>,
    /// `page_token` of the next page, with the same filter; null on the last one.
    next_page_token: Option<&'a str>,
}

/// Why a job should end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Cancellation {
    /// For a person, at most 1 KiB.
    reason: Option<String>,
}

/// Another try of a job. Whatever else is said means nothing to it.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Retrying {
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same new job for 24 h.
    idempotency_key: Option<String>,
}

/// Create a job
///
/// 201 when it was made, 200 when the idempotency key had made it before.
#[utoipa::path(
    post, path = "/jobs", tag = "jobs", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same job for 24 h")),
    responses((status = 201, body = Job), (status = 200, body = Job), Failures)
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    Body(job): Body<NewJob>,
) -> Result<Response, Problem> {
    let request = caller.upstream.repeatable(job.request(key)?, |one| &one.idempotency_key);
    let answer = state.upstream.jobs().create_job(request).await.map_err(create::refused)?;
    let answer = answer.into_inner();
    let job = known(answer.job)?;
    Ok(if answer.created { created(&job) } else { Json(Job::of(&job)).into_response() })
}

/// List jobs
///
/// Those the caller may see, newest first. All conditions must hold.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", params(JobFilter),
    responses((status = 200, body = JobPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(filter::request(parameters)?);
    let answer = state.upstream.jobs().list_jobs(request).await?.into_inner();
    let next = next_page(&answer.next_page_token);
    let jobs = answer.jobs.iter().map(Job::of).collect();
    Ok(Json(JobPage { jobs, next_page_token: next }).into_response())
}

/// Read a job
///
/// As it stands, with its input and how many workers serve its kind.
#[utoipa::path(
    get, path = "/jobs/{job_id}", tag = "jobs", params(("job_id" = String, Path)),
    responses((status = 200, body = Job), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(GetJobRequest { job_id });
    let answer = state.upstream.jobs().get_job(request).await?.into_inner();
    let job = known(answer.job)?;
    Ok(Json(Job::of(&job).served_by(answer.workers)).into_response())
}

/// Cancel a job
///
/// One that waits ends at once; the worker of a running one is told and has some time. Repeating it
/// changes nothing.
#[utoipa::path(
    post, path = "/jobs/{job_id}/cancel", tag = "jobs", params(("job_id" = String, Path)),
    request_body = Option<Cancellation>, responses((status = 200, body = Job), Failures)
)]
async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    OptionalBody(cancellation): OptionalBody<Cancellation>,
) -> Result<Response, Problem> {
    let reason = cancellation.reason.unwrap_or_default();
    let request = caller.upstream.request(CancelJobRequest { job_id, reason, grace: None });
    let answer = state.upstream.jobs().cancel_job(request).await?.into_inner();
    let job = known(answer.job)?;
    Ok(Json(Job::of(&job)).into_response())
}

/// Retry a job
///
/// Makes a new job from one that has ended.
#[utoipa::path(
    post, path = "/jobs/{job_id}/retry", tag = "jobs", request_body = Option<Retrying>,
    params(
        ("job_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same new job for 24 h"),
    ),
    responses((status = 201, body = Job), Failures)
)]
async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    key: IdempotencyKey,
    OptionalBody(retrying): OptionalBody<Retrying>,
) -> Result<Response, Problem> {
    let idempotency_key = key.or(retrying.idempotency_key)?;
    let request = RetryJobRequest { job_id, idempotency_key };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.jobs().retry_job(request).await?.into_inner();
    Ok(created(&known(answer.job)?))
}

/// Read or follow a job's events
///
/// A page of JSON, or with `Accept: text/event-stream` a stream: `snapshot` first unless it resumes,
/// then every event, `closed` at the job's end.
#[utoipa::path(
    get, path = "/jobs/{job_id}/events", tag = "jobs",
    params(("job_id" = String, Path), EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "Resumes a stream")),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        (status = 204, description = "A stream that resumes after a job's last event: nothing more follows"),
        Failures
    )
)]
async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let topic = format!("job:{job_id}");
    events::answer(&state, caller, &topic, parameters, &headers).await.map_err(|problem| {
        if problem.code() == Code::TopicNotFound {
            return Problem::new(
                Code::JobNotFound,
                format!("job {job_id} not found or access denied"),
            );
        }
        problem
    })
}

fn created(job: &Message) -> Response {
    super::created::created("jobs", &job.job_id, &Job::of(job))
}

fn known(job: Option<Message>) -> Result<Message, Problem> {
    job.ok_or_else(|| Problem::unnamed("job"))
}
