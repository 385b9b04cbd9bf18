//! `/connections`: who is connected over Socket.IO at this edge, for operators.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use roomcast_proto::registry::Code;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Admin, openapi::Failures, problem::Problem};
use crate::{app::AppState, socket::ConnectionInfo};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(disconnect))
}

/// Who is connected over Socket.IO at this edge.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionList {
    /// Oldest first.
    connections: Vec<Connection>,
}

/// One connection.
#[derive(Debug, Serialize, ToSchema)]
struct Connection {
    /// The edge's own id of it.
    id: String,
    user_id: String,
    /// RFC 3339.
    connected_at: String,
    /// Topics joined.
    topics: Vec<String>,
}

impl From<ConnectionInfo> for Connection {
    fn from(info: ConnectionInfo) -> Self {
        let ConnectionInfo { id, user_id, connected_at, topics, .. } = info;
        Self { id, user_id, connected_at, topics }
    }
}

/// List connections
///
/// Of the caller's tenant, at this edge. Needs the role admin.
#[utoipa::path(
    get, path = "/connections", tag = "operations",
    responses((status = 200, body = ConnectionList), Failures)
)]
async fn list(State(state): State<AppState>, admin: Admin) -> Json<ConnectionList> {
    let mut all = state.connections.list();
    all.retain(|info| info.tenant == admin.tenant);
    all.sort_by(|a, b| (&a.connected_at, &a.id).cmp(&(&b.connected_at, &b.id)));
    Json(ConnectionList { connections: all.into_iter().map(Connection::from).collect() })
}

/// End a connection
///
/// The client is told `closing` with the reason `disconnected`; an unmodified one comes back by itself,
/// unless its token was revoked. Needs the role admin.
#[utoipa::path(
    post, path = "/connections/{id}/disconnect", tag = "operations",
    params(("id" = String, Path)),
    responses((status = 202, description = "It ends"), Failures)
)]
async fn disconnect(
    State(state): State<AppState>,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if state.connections.disconnect(&admin.tenant, &id) {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(Problem::new(Code::ConnectionNotFound, Code::ConnectionNotFound.entry().cause))
}
