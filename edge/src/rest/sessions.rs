//! `/sessions`: read, close, follow; who is there, its graphs and saves, messages for the agent.

mod graphs;
mod messages;
mod saves;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::HeaderMap;
use roomcast_proto::v1::{self, CloseSessionRequest, GetSessionRequest, ListParticipantsRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    events::{self, EventPage, EventsQuery},
    openapi::Failures,
    parameters::Parameters,
    path::Path,
};
use crate::{
    names::{Participant, Session, SessionOutline},
    problem::Problem,
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(close))
        .routes(routes!(participants))
        .routes(routes!(follow))
        .merge(graphs::router())
        .merge(messages::router())
        .merge(saves::router())
}

/// Who is in a session.
#[derive(Debug, Serialize, ToSchema)]
struct Participants<'a> {
    /// By user. Empty above 200: only their number is told then.
    participants: Vec<Participant<'a>>,
    participant_count: u32,
    /// The head of the session's topic that this stands at.
    cursor: &'a str,
}

pub(super) fn known(session: Option<v1::Session>) -> Result<v1::Session, Problem> {
    session.ok_or_else(|| Problem::unnamed("session"))
}

/// Read a session
///
/// With its graphs' names, versions and sizes.
#[utoipa::path(
    get, path = "/sessions/{session_id}", tag = "sessions", params(("session_id" = String, Path)),
    responses((status = 200, body = SessionOutline), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(GetSessionRequest { session_id });
    let answer = state.upstream.sessions().get_session(request).await?.into_inner();
    let outline = SessionOutline::of(&answer).ok_or_else(|| Problem::unnamed("session"))?;
    Ok(Json(outline).into_response())
}

/// Close a session
///
/// It takes nothing more; what is in it stays readable for 30 days. Repeating it changes nothing. Needs
/// the role owner in the project.
#[utoipa::path(
    post, path = "/sessions/{session_id}/close", tag = "sessions",
    params(("session_id" = String, Path)),
    responses((status = 200, body = Session), Failures)
)]
async fn close(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(CloseSessionRequest { session_id });
    let answer = state.upstream.sessions().close_session(request).await?.into_inner();
    Ok(Json(Session::of(&known(answer.session)?)).into_response())
}

/// List who is in a session
#[utoipa::path(
    get, path = "/sessions/{session_id}/participants", tag = "sessions",
    params(("session_id" = String, Path)),
    responses((status = 200, body = Participants), Failures)
)]
async fn participants(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListParticipantsRequest { session_id });
    let answer = state.upstream.sessions().list_participants(request).await?.into_inner();
    let participants = Participants {
        participants: answer.participants.iter().map(Participant::of).collect(),
        participant_count: answer.participant_count,
        cursor: &answer.cursor,
    };
    Ok(Json(participants).into_response())
}

/// Read or follow a session's events
///
/// A page of JSON, or with `Accept: text/event-stream` a stream: `snapshot` first unless it resumes,
/// with all graphs and who is there, then every event, `closed` when the session is closed.
#[utoipa::path(
    get, path = "/sessions/{session_id}/events", tag = "sessions",
    params(("session_id" = String, Path), EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "Resumes a stream")),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        (status = 204, description = "A stream that resumes after a session's last event: nothing more follows"),
        Failures
    )
)]
async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let topic = format!("session:{session_id}");
    events::answer(&state, caller, &topic, parameters, &headers).await
}
