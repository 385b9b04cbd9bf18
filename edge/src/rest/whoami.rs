//! `/whoami`: whom the edge takes the caller for, and what its console is for them.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_identity::User;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Caller, openapi::Failures};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Whom the edge takes the caller for.
#[derive(Debug, Serialize, ToSchema)]
struct Whoami<'a> {
    user_id: &'a str,
    tenant: &'a str,
    roles: &'a [String],
    console: Console,
    /// Whether a missing token is taken for an administrator's.
    development: bool,
    version: &'static str,
}

/// What the console is for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Console {
    /// Their own jobs, sessions and rooms: without the role admin or auditor.
    None,
    /// All of the tenant, to look at: with the role auditor.
    Viewer,
    /// All of the tenant, to look at and to act on: with the role admin.
    Operator,
}

impl Console {
    fn of(user: &User) -> Self {
        if user.is_admin() {
            Self::Operator
        } else if user.is_auditor() {
            Self::Viewer
        } else {
            Self::None
        }
    }
}

/// Ask who you are
///
/// As the token says, which the edge has verified; without one, where that is allowed, the user `dev`.
#[utoipa::path(
    get, path = "/whoami", tag = "access",
    responses((status = 200, body = Whoami), Failures)
)]
async fn whoami(State(state): State<AppState>, caller: Caller) -> Response {
    let User { id, tenant, roles, .. } = &caller.user;
    let whoami = Whoami {
        user_id: id,
        tenant,
        roles,
        console: Console::of(&caller.user),
        development: state.config.dev,
        version: env!("CARGO_PKG_VERSION"),
    };
    Json(whoami).into_response()
}
