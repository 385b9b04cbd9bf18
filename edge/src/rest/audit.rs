//! `/audit`: what operators did.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{self, ListActsRequest, event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    parameters::Parameters,
};
use crate::{names::rfc3339, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What operators did, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct AuditPage<'a> {
    /// May be few, or none, though more follow.
    entries: Vec<AuditEntry<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry<'a> {
    /// The event's name in `audit:log`.
    id: &'a str,
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Who.
    actor: String,
    #[schema(example = "audit.job.cancel")]
    action: &'a str,
    /// On which thing.
    #[schema(example = "job:018f")]
    target: String,
    /// `ok`, or the code it was refused with.
    #[schema(example = "ok")]
    outcome: String,
    /// The caller's address.
    from: Option<String>,
    trace_id: &'a str,
}

/// What an entry's event says.
#[derive(Debug, Default, Deserialize)]
struct Told {
    by: String,
    target: String,
    code: Option<String>,
    from: Option<String>,
}

impl<'a> AuditEntry<'a> {
    fn of(event: &'a v1::Event) -> Self {
        let told = match &event.body {
            Some(event::Body::Payload(payload)) => serde_json::from_slice(&payload.data).ok(),
            Some(_) | None => None,
        };
        let Told { by, target, code, from } = told.unwrap_or_default();
        Self {
            id: &event.event_id,
            at: event.time.as_ref().map(rfc3339),
            actor: by,
            action: &event.r#type,
            target,
            outcome: code.unwrap_or_else(|| "ok".to_owned()),
            from,
            trace_id: &event.trace_id,
        }
    }
}

/// List what operators did
///
/// A look back at the topic `audit:log`, which can also be followed. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/audit", tag = "access",
    params(
        ("actor" = Option<String>, Query, description = "Only by this user or service"),
        ("action" = Option<String>, Query, description = "Only of this type, such as `audit.job.cancel`"),
        PageQuery,
    ),
    responses((status = 200, body = AuditPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let (page, asked) = PageQuery::among(parameters, &["actor", "action"])?;
    let request = ListActsRequest {
        by: asked.text("actor"),
        act: asked.text("action"),
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    };
    let request = caller.upstream.request(request);
    let answer = state.upstream.access().list_acts(request).await?.into_inner();
    let page = AuditPage {
        entries: answer.events.iter().map(AuditEntry::of).collect(),
        next_page_token: next_page(&answer.next_page_token),
    };
    Ok(Json(page).into_response())
}
