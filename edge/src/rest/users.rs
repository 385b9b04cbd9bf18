//! `/users`: who is registered, and who is shut out.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use roomcast_proto::v1::{
    self, DeleteUserRequest, DisableUserRequest, EnableUserRequest, GetUserRequest,
    ListUsersRequest, PutUserRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::OptionalBody,
    caller::Caller,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    path::Path,
};
use crate::{names::rfc3339, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, get, delete))
        .routes(routes!(disable))
        .routes(routes!(enable))
}

/// What is known of a user.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserDetails {
    /// For people, at most 128 bytes.
    display_name: Option<String>,
}

/// A registered user.
#[derive(Debug, Serialize, ToSchema)]
struct User<'a> {
    /// Claim `sub` of the user's tokens.
    user_id: &'a str,
    display_name: &'a str,
    /// Whether every token is refused.
    disabled: bool,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// One page, in the order of ids.
#[derive(Debug, Serialize, ToSchema)]
struct UserPage<'a> {
    users: Vec<User<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

impl<'a> User<'a> {
    fn of(message: &'a v1::User) -> Self {
        Self {
            user_id: &message.user_id,
            display_name: &message.display_name,
            disabled: message.disabled,
            created_at: message.create_time.as_ref().map(rfc3339),
            updated_at: message.update_time.as_ref().map(rfc3339),
        }
    }
}

fn answer(user: Option<v1::User>) -> Result<Response, Problem> {
    let user = user.ok_or_else(|| Problem::unnamed("user"))?;
    Ok(Json(User::of(&user)).into_response())
}

/// List users
///
/// Needs the role admin.
#[utoipa::path(
    get, path = "/users", tag = "access",
    params(PageQuery),
    responses((status = 200, body = UserPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    page: PageQuery,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListUsersRequest {
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    });
    let answer = state.upstream.users().list_users(request).await?.into_inner();
    let next = next_page(&answer.next_page_token);
    let users = answer.users.iter().map(User::of).collect();
    Ok(Json(UserPage { users, next_page_token: next }).into_response())
}

/// Register a user
///
/// Or replace what is known of one; whoever is disabled stays so. Needs the role admin.
#[utoipa::path(
    put, path = "/users/{user_id}", tag = "access", params(("user_id" = String, Path)),
    request_body = Option<UserDetails>, responses((status = 200, body = User), Failures)
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_id): Path<String>,
    OptionalBody(details): OptionalBody<UserDetails>,
) -> Result<Response, Problem> {
    let display_name = details.display_name.unwrap_or_default();
    let request = PutUserRequest { user_id, display_name, tenant: String::new() };
    let request = caller.upstream.request(request);
    answer(state.upstream.users().put_user(request).await?.into_inner().user)
}

/// Read a user
///
/// Needs the role admin.
#[utoipa::path(
    get, path = "/users/{user_id}", tag = "access", params(("user_id" = String, Path)),
    responses((status = 200, body = User), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(GetUserRequest { user_id, tenant: String::new() });
    answer(state.upstream.users().get_user(request).await?.into_inner().user)
}

/// Forget a user
///
/// Where users must be registered this one is let in no more. Needs the role admin.
#[utoipa::path(
    delete, path = "/users/{user_id}", tag = "access", params(("user_id" = String, Path)),
    responses((status = 204, description = "The user is forgotten"), Failures)
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let request = caller.upstream.request(DeleteUserRequest { user_id, tenant: String::new() });
    state.upstream.users().delete_user(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Disable a user
///
/// Every token is refused at once, and what is delivered under one ends. Needs the role admin.
#[utoipa::path(
    post, path = "/users/{user_id}/disable", tag = "access", params(("user_id" = String, Path)),
    responses((status = 200, body = User), Failures)
)]
async fn disable(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(DisableUserRequest { user_id, tenant: String::new() });
    answer(state.upstream.users().disable_user(request).await?.into_inner().user)
}

/// Enable a user
///
/// Needs the role admin.
#[utoipa::path(
    post, path = "/users/{user_id}/enable", tag = "access", params(("user_id" = String, Path)),
    responses((status = 200, body = User), Failures)
)]
async fn enable(
    State(state): State<AppState>,
    caller: Caller,
    Path(user_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(EnableUserRequest { user_id, tenant: String::new() });
    answer(state.upstream.users().enable_user(request).await?.into_inner().user)
}
