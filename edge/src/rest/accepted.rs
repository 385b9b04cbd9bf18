//! The answer to a POST that began something.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use roomcast_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use super::path::PREFIX;
use crate::problem::Problem;

/// Work that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted<'a> {
    /// W3C trace id of this request: all that follows from it carries it.
    trace_id: &'a str,
    /// The job that does it.
    job_id: &'a str,
}

/// `202` with the job that was begun, and where it is read.
pub(super) fn accepted(job: Option<&v1::Job>) -> Result<Response, Problem> {
    let job = job.ok_or_else(|| Problem::unnamed("job"))?;
    let body = Json(Accepted { trace_id: &job.trace_id, job_id: &job.job_id });
    let mut response = (StatusCode::ACCEPTED, body).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("{PREFIX}/jobs/{}", job.job_id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
