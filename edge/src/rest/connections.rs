//! `/connections`: who is connected over Socket.IO at this edge, for operators.

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use roomcast_proto::{registry::Code, v1::RecordDisconnectRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::{Admin, Observer},
    openapi::Failures,
    problem::Problem,
};
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
    namespace: &'static str,
    user_id: String,
    /// What the token says of the user.
    roles: Vec<String>,
    /// Where the client is. Null where the listener does not know.
    address: Option<String>,
    /// `websocket` or `polling`.
    #[schema(example = "websocket")]
    transport: &'static str,
    /// Bytes that wait for the client to take them. 0 for one that polls: what waits for it is the log's.
    waiting_bytes: usize,
    /// RFC 3339.
    connected_at: String,
    /// Topics joined.
    topics: Vec<String>,
}

impl From<ConnectionInfo> for Connection {
    fn from(info: ConnectionInfo) -> Self {
        let ConnectionInfo { id, namespace, user_id, roles, connected_at, topics, .. } = info;
        let address = info.address.map(|address| address.to_string());
        let (transport, waiting_bytes) = (info.transport, info.waiting_bytes);
        Self {
            id,
            namespace,
            user_id,
            roles,
            address,
            transport,
            waiting_bytes,
            connected_at,
            topics,
        }
    }
}

/// List connections
///
/// Of the caller's tenant, at this edge. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/connections", tag = "operations",
    responses((status = 200, body = ConnectionList), Failures)
)]
async fn list(State(state): State<AppState>, observer: Observer) -> Json<ConnectionList> {
    let mut all = state.connections.list();
    all.retain(|info| info.tenant == observer.tenant);
    all.sort_by(|a, b| (&a.connected_at, &a.id).cmp(&(&b.connected_at, &b.id)));
    Json(ConnectionList { connections: all.into_iter().map(Connection::from).collect() })
}

/// End a connection
///
/// The client is told `closing` with the reason `disconnected`; an unmodified one comes back by itself,
/// unless its token was revoked. Told in `audit:log` first. Needs the role admin.
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
    let not_found =
        || Problem::new(Code::ConnectionNotFound, Code::ConnectionNotFound.entry().cause);
    let found = state.connections.find(&admin.tenant, &id).ok_or_else(not_found)?;
    let request = RecordDisconnectRequest { connection_id: found.id, user_id: found.user_id };
    let request = admin.upstream.request(request);
    state.upstream.access().record_disconnect(request).await?;
    // It may have gone by itself meanwhile.
    let _ = state.connections.disconnect(&id);
    Ok(StatusCode::ACCEPTED)
}
