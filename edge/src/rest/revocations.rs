//! `/revocations`: tokens that are refused before their time is over.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use prost_types::Timestamp;
use roomcast_proto::v1::{
    self, LiftRevocationRequest, ListRevocationsRequest, revocation, revoke_request,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::Body,
    caller::Caller,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    path::Path,
};
use crate::{names::rfc3339, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(revoke, list)).routes(routes!(lift))
}

/// What to revoke: a token by its id, or a subject.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRevocation {
    /// Claim `jti` of one token.
    token_id: Option<String>,
    /// Claim `sub`: all tokens issued until `issued_until`.
    subject: Option<String>,
    /// RFC 3339. Of a subject: tokens issued until then, by default until now: asking again ends those that
    /// were issued since as well.
    #[schema(format = DateTime)]
    issued_until: Option<String>,
    /// RFC 3339. Forget it after this, by default in 30 days: not before the last of the tokens is over.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// For people, at most 1 KiB.
    reason: Option<String>,
}

/// Tokens that are refused.
#[derive(Debug, Serialize, ToSchema)]
struct Revocation<'a> {
    revocation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_until: Option<String>,
    expires_at: Option<String>,
    reason: &'a str,
    /// Who revoked.
    revoked_by: &'a str,
    revoked_at: Option<String>,
}

/// One page, in the order of ids.
#[derive(Debug, Serialize, ToSchema)]
struct RevocationPage<'a> {
    revocations: Vec<Revocation<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

impl NewRevocation {
    fn request(self) -> Result<v1::RevokeRequest, Problem> {
        let revoked = match (self.token_id, self.subject) {
            (Some(id), None) => revoke_request::Revoked::TokenId(id),
            (None, Some(subject)) => revoke_request::Revoked::Subject(subject),
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::field(
                    "token_id",
                    "name a token_id or a subject, one of them",
                ));
            }
        };
        Ok(v1::RevokeRequest {
            revoked: Some(revoked),
            issued_until: moment("issued_until", self.issued_until)?,
            expire_time: moment("expires_at", self.expires_at)?,
            reason: self.reason.unwrap_or_default(),
            tenant: String::new(),
        })
    }
}

fn moment(field: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Problem::field(field, "must be a moment of RFC 3339"))
}

impl<'a> Revocation<'a> {
    fn of(message: &'a v1::Revocation) -> Self {
        let (token_id, subject) = match &message.revoked {
            Some(revocation::Revoked::TokenId(id)) => (Some(id.as_str()), None),
            Some(revocation::Revoked::Subject(subject)) => (None, Some(subject.as_str())),
            None => (None, None),
        };
        Self {
            revocation_id: &message.revocation_id,
            token_id,
            subject,
            issued_until: message.issued_until.as_ref().map(rfc3339),
            expires_at: message.expire_time.as_ref().map(rfc3339),
            reason: &message.reason,
            revoked_by: &message.revoked_by,
            revoked_at: message.revoke_time.as_ref().map(rfc3339),
        }
    }
}

/// Revoke a token or a subject
///
/// Durable and in force when it is answered: the core refuses the tokens from then on, and every edge
/// ends what it delivers under them. Needs the role admin.
#[utoipa::path(
    post, path = "/revocations", tag = "access", request_body = NewRevocation,
    responses((status = 201, body = Revocation), Failures)
)]
async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Body(new): Body<NewRevocation>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(new.request()?);
    let refused = |status| Problem::from(status).naming("expire_time", "expires_at");
    let answer = state.upstream.access().revoke(request).await.map_err(refused)?.into_inner();
    let revocation = answer.revocation.ok_or_else(|| Problem::unnamed("revocation"))?;
    Ok((StatusCode::CREATED, Json(Revocation::of(&revocation))).into_response())
}

/// List revocations
///
/// Those in force. Needs the role admin.
#[utoipa::path(
    get, path = "/revocations", tag = "access",
    params(PageQuery),
    responses((status = 200, body = RevocationPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    page: PageQuery,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListRevocationsRequest {
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    });
    let answer = state.upstream.access().list_revocations(request).await?.into_inner();
    let next = next_page(&answer.next_page_token);
    let revocations = answer.revocations.iter().map(Revocation::of).collect();
    Ok(Json(RevocationPage { revocations, next_page_token: next }).into_response())
}

/// Lift a revocation
///
/// Needs the role admin.
#[utoipa::path(
    delete, path = "/revocations/{revocation_id}", tag = "access",
    params(("revocation_id" = String, Path)),
    responses((status = 204, description = "It is lifted"), Failures)
)]
async fn lift(
    State(state): State<AppState>,
    caller: Caller,
    Path(revocation_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let request =
        caller.upstream.request(LiftRevocationRequest { revocation_id, tenant: String::new() });
    state.upstream.access().lift_revocation(request).await?;
    Ok(StatusCode::NO_CONTENT)
}
