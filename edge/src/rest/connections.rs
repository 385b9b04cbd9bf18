//! `/connections`: who is connected over Socket.IO, for operators.

use axum::{Json, extract::State};
use http::StatusCode;
use roomcast_proto::{
    registry::Code,
    v1::{EdgeConnection, RecordDisconnectRequest},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::{Admin, Caller, Observer},
    cluster,
    openapi::Failures,
    parameters::Parameters,
    path::Path,
};
use crate::{connections::ConnectionInfo, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(disconnect))
}

/// Who is connected over Socket.IO.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionList {
    /// Oldest first.
    connections: Vec<Connection>,
    /// The edge that answers.
    edge_id: String,
    /// With `scope=cluster`: whether there are more than the 100,000 that are listed.
    truncated: bool,
}

/// One connection.
#[derive(Debug, Serialize, ToSchema)]
struct Connection {
    /// Its edge's own id of it.
    id: String,
    /// The edge that it is at. What only that knows is null at any other.
    edge_id: String,
    namespace: String,
    user_id: String,
    /// What the token says of the user.
    roles: Option<Vec<String>>,
    /// Where the client is. Null also where the listener does not know.
    address: Option<String>,
    /// `websocket` or `polling`: how it goes on, but with `--lane off` how it began.
    #[schema(example = "websocket")]
    transport: Option<String>,
    /// Bytes that wait for the client to take them. 0 for one that polls: what waits for it is the log's.
    waiting_bytes: Option<usize>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    connected_at: String,
    /// Topics joined. Of a connection to another edge the jobs alone, and 20 at most.
    topics: Vec<String>,
}

impl Connection {
    fn here(info: ConnectionInfo, edge_id: &str) -> Self {
        Self {
            id: info.id,
            edge_id: edge_id.to_owned(),
            namespace: info.namespace.to_owned(),
            user_id: info.user_id,
            roles: Some(info.roles),
            address: info.address.map(|address| address.to_string()),
            transport: Some(info.transport.to_owned()),
            waiting_bytes: Some(info.waiting_bytes),
            connected_at: info.connected_at,
            topics: info.topics,
        }
    }

    /// None of one of this edge's, which itself knows better.
    fn elsewhere(told: EdgeConnection, here: &str) -> Option<Self> {
        let EdgeConnection { edge_id, connection } = told;
        let told = connection.filter(|_| edge_id != here)?;
        Some(Self {
            id: told.connection_id,
            edge_id,
            namespace: told.namespace,
            user_id: told.user_id,
            roles: None,
            address: None,
            transport: Some(told.transport).filter(|transport| !transport.is_empty()),
            waiting_bytes: None,
            connected_at: told.connected_at,
            topics: told.job_ids.iter().map(|id| format!("job:{id}")).collect(),
        })
    }
}

/// List connections
///
/// Of the caller's tenant: at this edge, or with `scope=cluster` at all of them, the others' as they told some
/// seconds ago. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/connections", tag = "operations",
    params(
        ("scope" = Option<String>, Query, description = "`edge` (the default) or `cluster`"),
        ("topic" = Option<String>, Query, description = "Only those that have this one among their `topics`, such as `job:7`"),
    ),
    responses((status = 200, body = ConnectionList), Failures)
)]
async fn list(
    State(state): State<AppState>,
    parameters: Parameters,
    caller: Caller,
    observer: Observer,
) -> Result<Json<ConnectionList>, Problem> {
    let edge_id = state.presence.edge_id().to_owned();
    let parameters = parameters.knows(&["scope", "topic"])?;
    let topic = parameters.get("topic").filter(|topic| !topic.is_empty());
    let others = if cluster::is_asked_for(&parameters)? {
        cluster::connections(&state, &caller, topic).await?
    } else {
        cluster::Connections::default()
    };
    let is_in = |info: &ConnectionInfo| {
        topic.is_none_or(|topic| info.topics.iter().any(|name| name == topic))
    };
    let mut here = state.connections.list();
    here.retain(|info| info.tenant == observer.tenant && is_in(info));
    let here = here.into_iter();
    let mut connections: Vec<_> = here.map(|info| Connection::here(info, &edge_id)).collect();
    let cluster::Connections { list, is_truncated } = others;
    connections.extend(list.into_iter().filter_map(|told| Connection::elsewhere(told, &edge_id)));
    connections.sort_by(|a, b| (&a.connected_at, &a.id).cmp(&(&b.connected_at, &b.id)));
    Ok(Json(ConnectionList { connections, edge_id, truncated: is_truncated }))
}

/// End a connection
///
/// At whatever edge it is; another edge finds it once that has told of it, within 5 s. The client is told
/// `closing` with the reason `disconnected`; an unmodified one comes back by itself, unless its token was
/// revoked. Told in `audit:log` first. Needs the role admin.
#[utoipa::path(
    post, path = "/connections/{id}/disconnect", tag = "operations",
    params(("id" = String, Path)),
    responses((status = 202, description = "It ends"), Failures)
)]
async fn disconnect(
    State(state): State<AppState>,
    caller: Caller,
    admin: Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let user_id = match state.connections.find(&admin.tenant, &id) {
        Some(info) => info.user_id,
        None => {
            let told = cluster::connection(&state, &caller, &id).await?;
            let code = Code::ConnectionNotFound;
            told.ok_or_else(|| Problem::new(code, code.entry().cause))?.user_id
        }
    };
    let tenant = admin.tenant.clone();
    let request = RecordDisconnectRequest { connection_id: id.clone(), user_id, tenant };
    // The edge that it is at hears of it from the core, as does this one.
    state.upstream.access().record_disconnect(admin.upstream.request(request)).await?;
    Ok(StatusCode::ACCEPTED)
}
