//! `/commands`: change a session's graph, undo, redo.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{body::Body, caller::Caller, idempotency::IdempotencyKey, openapi::Failures};
use crate::{
    names::{HistoryStep, Malformed, NewCommand, Performed},
    problem::Problem,
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(execute)).routes(routes!(undo)).routes(routes!(redo))
}

impl From<Malformed> for Problem {
    fn from(Malformed { field, problem }: Malformed) -> Self {
        Self::field(field, problem)
    }
}

/// Execute a command
///
/// The answer comes when the change is durable. What the graph refuses is an event too,
/// `command:failed`. Needs the role editor in the project.
#[utoipa::path(
    post, path = "/commands/execute", tag = "sessions", request_body = NewCommand,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same answer for 24 h")),
    responses((status = 200, body = Performed), Failures)
)]
async fn execute(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    Body(new): Body<NewCommand>,
) -> Result<Response, Problem> {
    let mut request = new.request()?;
    request.idempotency_key = key.or_own(request.idempotency_key)?;
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().execute_command(request).await?.into_inner();
    Ok(Json(Performed::from(&answer)).into_response())
}

/// Undo the last command
///
/// Of the graph, whoever gave it. Needs the role editor in the project.
#[utoipa::path(
    post, path = "/commands/undo", tag = "sessions", request_body = HistoryStep,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same answer for 24 h")),
    responses((status = 200, body = Performed), Failures)
)]
async fn undo(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    Body(step): Body<HistoryStep>,
) -> Result<Response, Problem> {
    let mut request = step.undo();
    request.idempotency_key = key.or_own(request.idempotency_key)?;
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().undo_command(request).await?.into_inner();
    Ok(Json(Performed::from(&answer)).into_response())
}

/// Redo the command that was undone last
///
/// Needs the role editor in the project.
#[utoipa::path(
    post, path = "/commands/redo", tag = "sessions", request_body = HistoryStep,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same answer for 24 h")),
    responses((status = 200, body = Performed), Failures)
)]
async fn redo(
    State(state): State<AppState>,
    caller: Caller,
    key: IdempotencyKey,
    Body(step): Body<HistoryStep>,
) -> Result<Response, Problem> {
    let mut request = step.redo();
    request.idempotency_key = key.or_own(request.idempotency_key)?;
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().redo_command(request).await?.into_inner();
    Ok(Json(Performed::from(&answer)).into_response())
}
