//! `/sessions/{session_id}/messages`: asking the agent of the session's project.

use axum::{extract::State, response::Response};
use roomcast_proto::v1::SendMessageRequest;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    problem::Problem,
    rest::{
        accepted::{Accepted, accepted},
        body::Body,
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

/// A message for the agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    /// What is wanted, at most 256 KiB.
    #[schema(example = "Add a new feature")]
    prompt: String,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same job for 24 h.
    idempotency_key: Option<String>,
}

/// Ask the agent
///
/// Creates a job of kind `vibecode`. Its text comes as `job_output`, its usage as `token_usage`, its answer
/// as `vibecode_response`, to whoever follows the job or the project. It fails with `no_worker` when no
/// agent takes it within 60 s. Needs the role editor in the project.
#[utoipa::path(
    post, path = "/sessions/{session_id}/messages", tag = "sessions", request_body = NewMessage,
    params(
        ("session_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same job for 24 h"),
    ),
    responses((status = 202, body = Accepted), Failures)
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
    key: IdempotencyKey,
    Body(new): Body<NewMessage>,
) -> Result<Response, Problem> {
    let idempotency_key = key.or(new.idempotency_key)?;
    let request = SendMessageRequest { session_id, prompt: new.prompt, idempotency_key };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.jobs().send_message(request).await?.into_inner();
    accepted(answer.job.as_ref())
}
