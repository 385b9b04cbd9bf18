//! `/projects/{project_id}/sessions`: open and list.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{CreateSessionRequest, ListSessionsRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    names::Session,
    problem::Problem,
    rest::{
        body::OptionalBody,
        caller::Caller,
        created::created,
        idempotency::IdempotencyKey,
        openapi::Failures,
        page_query::{PageQuery, next_page},
        path::Path,
        sessions::known,
    },
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

/// A session to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSession {
    /// For people, at most 256 bytes.
    name: Option<String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same session for 24 h.
    idempotency_key: Option<String>,
}

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct SessionPage<'a> {
    sessions: Vec<Session<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

/// Open a session
///
/// Needs the role editor in the project.
#[utoipa::path(
    post, path = "/projects/{project_id}/sessions", tag = "sessions",
    params(
        ("project_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and content give the same session for 24 h"),
    ),
    request_body = Option<NewSession>, responses((status = 201, body = Session), Failures)
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
    key: IdempotencyKey,
    OptionalBody(new): OptionalBody<NewSession>,
) -> Result<Response, Problem> {
    let request = CreateSessionRequest {
        project_id,
        name: new.name.unwrap_or_default(),
        idempotency_key: key.or(new.idempotency_key)?,
    };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().create_session(request).await?.into_inner();
    let session = known(answer.session)?;
    Ok(created("sessions", &session.session_id, &Session::of(&session)))
}

/// List a project's sessions
///
/// Newest first.
#[utoipa::path(
    get, path = "/projects/{project_id}/sessions", tag = "sessions",
    params(("project_id" = String, Path), PageQuery),
    responses((status = 200, body = SessionPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
    page: PageQuery,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListSessionsRequest {
        project_id,
        page_size: page.limit,
        page_token: page.page_token,
    });
    let answer = state.upstream.sessions().list_sessions(request).await?.into_inner();
    let next = next_page(&answer.next_page_token);
    let sessions = answer.sessions.iter().map(Session::of).collect();
    Ok(Json(SessionPage { sessions, next_page_token: next }).into_response())
}
