//! `/projects/{project_id}/test-runs`: having the project's agent run tests.

use axum::{extract::State, response::Response};
use roomcast_proto::v1::StartTestRunRequest;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    problem::Problem,
    rest::{
        accepted::{Accepted, accepted},
        body::OptionalBody,
        caller::Caller,
        idempotency::IdempotencyKey,
        openapi::Failures,
        path::Path,
    },
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// A test run to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTestRun {
    /// The name of a command that the agent's configuration allows for the project,
    /// `[A-Za-z0-9_.-]{1,128}`. Left out, the agent's default.
    #[schema(example = "unit")]
    command: Option<String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same job for 24 h.
    idempotency_key: Option<String>,
}

/// Run tests
///
/// Creates a job of kind `test_run`. What it finds comes as `test_started`, `test_result` and
/// `test_completed`, to whoever follows the job or the project. It fails with `no_worker` when no agent
/// takes it within 60 s. Needs the role editor in the project.
#[utoipa::path(
    post, path = "/projects/{project_id}/test-runs", tag = "projects",
    request_body = Option<NewTestRun>,
    params(
        ("project_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same job for 24 h"),
    ),
    responses((status = 202, body = Accepted), Failures)
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
    key: IdempotencyKey,
    OptionalBody(new): OptionalBody<NewTestRun>,
) -> Result<Response, Problem> {
    let idempotency_key = key.or(new.idempotency_key)?;
    let command = new.command.unwrap_or_default();
    let request = StartTestRunRequest { project_id, command, idempotency_key };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.jobs().start_test_run(request).await?.into_inner();
    accepted(answer.job.as_ref())
}
