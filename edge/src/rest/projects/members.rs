//! `/projects/{project_id}/members`: who may do what in a project.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use roomcast_proto::v1::{self, ListMembersRequest, RemoveMemberRequest, SetMemberRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    problem::Problem,
    rest::{body::Body, caller::Caller, openapi::Failures, path::Path},
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(put, delete))
}

/// What a member may do: a `viewer` looks, an `editor` also gives commands and steers jobs, an `owner`
/// also changes members, closes sessions and deletes the project.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    Viewer,
    Editor,
    Owner,
}

/// What becomes of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Membership {
    role: Role,
}

/// A user's role in a project.
#[derive(Debug, Serialize, ToSchema)]
struct Member<'a> {
    user_id: &'a str,
    /// Null for a role that this edge does not know.
    role: Option<Role>,
}

/// All members, by user: at most 1000.
#[derive(Debug, Serialize, ToSchema)]
struct Members<'a> {
    members: Vec<Member<'a>>,
}

impl Role {
    fn of(role: v1::Role) -> Option<Self> {
        match role {
            v1::Role::Unspecified => None,
            v1::Role::Viewer => Some(Self::Viewer),
            v1::Role::Editor => Some(Self::Editor),
            v1::Role::Owner => Some(Self::Owner),
        }
    }

    fn message(self) -> v1::Role {
        match self {
            Self::Viewer => v1::Role::Viewer,
            Self::Editor => v1::Role::Editor,
            Self::Owner => v1::Role::Owner,
        }
    }
}

impl<'a> Member<'a> {
    fn of(member: &'a v1::Member) -> Self {
        Self { user_id: &member.user_id, role: Role::of(member.role()) }
    }
}

/// List a project's members
#[utoipa::path(
    get, path = "/projects/{project_id}/members", tag = "projects",
    params(("project_id" = String, Path)),
    responses((status = 200, body = Members), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(project_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListMembersRequest { project_id });
    let answer = state.upstream.sessions().list_members(request).await?.into_inner();
    let members = answer.members.iter().map(Member::of).collect();
    Ok(Json(Members { members }).into_response())
}

/// Give a user a role
///
/// A project keeps an owner. Needs the role owner in the project.
#[utoipa::path(
    put, path = "/projects/{project_id}/members/{user_id}", tag = "projects",
    params(("project_id" = String, Path), ("user_id" = String, Path)),
    request_body = Membership, responses((status = 200, body = Member), Failures)
)]
async fn put(
    State(state): State<AppState>,
    caller: Caller,
    Path((project_id, user_id)): Path<(String, String)>,
    Body(membership): Body<Membership>,
) -> Result<Response, Problem> {
    let member = v1::Member { user_id, role: membership.role.message().into() };
    let request = caller.upstream.request(SetMemberRequest { project_id, member: Some(member) });
    let answer = state.upstream.sessions().set_member(request).await?.into_inner();
    let member = answer.member.ok_or_else(|| Problem::unnamed("member"))?;
    Ok(Json(Member::of(&member)).into_response())
}

/// Take a user out of a project
///
/// Delivery to that user ends. A project keeps an owner. Needs the role owner in the project, unless
/// the user leaves by itself.
#[utoipa::path(
    delete, path = "/projects/{project_id}/members/{user_id}", tag = "projects",
    params(("project_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 204, description = "The user is no member"), Failures)
)]
async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((project_id, user_id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let request = caller.upstream.request(RemoveMemberRequest { project_id, user_id });
    state.upstream.sessions().remove_member(request).await?;
    Ok(StatusCode::NO_CONTENT)
}
