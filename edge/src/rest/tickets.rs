//! `/tickets`: what stands for a token once, for requests that cannot carry a header.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use roomcast_proto::v1::IssueTicketRequest;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Caller, openapi::Failures};
use crate::{names::rfc3339, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(issue))
}

/// What stands for the caller's token once.
#[derive(Serialize, ToSchema)]
struct Ticket<'a> {
    /// For `?ticket=` of an event stream, at any edge. A secret.
    ticket: &'a str,
    /// It is worth nothing after this: 30 s.
    expires_at: Option<String>,
}

/// Get a ticket
///
/// For a browser's `EventSource`, which cannot send a token: `?ticket=` of an event stream, once, within
/// 30 s, at any edge.
#[utoipa::path(
    post, path = "/tickets", tag = "access",
    responses((status = 201, body = Ticket), Failures)
)]
async fn issue(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    let request = caller.upstream.request(IssueTicketRequest {});
    let answer = state.upstream.access().issue_ticket(request).await?.into_inner();
    let expires_at = answer.expire_time.as_ref().map(rfc3339);
    let ticket = Ticket { ticket: &answer.ticket, expires_at };
    Ok((StatusCode::CREATED, Json(ticket)).into_response())
}
