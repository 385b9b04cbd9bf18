//! `/debug/socketio`: what sockets are here and what they follow, and a message to try them with. In
//! development alone: elsewhere there is nothing here.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri, State},
};
use http::request::Parts;
use roomcast_proto::{
    registry::Code,
    v1::{NewEvent, PublishRequest},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::OptionalBody,
    caller::{Admin, Caller},
    openapi::Failures,
    payload::payload,
};
use crate::{connections::ConnectionInfo, problem::Problem, state::AppState};

/// Where a message goes that names no room.
const ROOM: &str = "system";
/// What it is called.
const EVENT: &str = "debug_broadcast";
/// What it says.
const DATA: &str = r#"{"message":"a test message"}"#;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sockets)).routes(routes!(broadcast))
}

/// A developer with the role admin.
#[derive(Debug)]
struct Developer {
    tenant: String,
}

impl FromRequestParts<AppState> for Developer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if !state.config.dev {
            let path =
                parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.path());
            return Err(Problem::new(Code::RouteNotFound, format!("there is nothing at {path}")));
        }
        let Admin { tenant, .. } = Admin::from_request_parts(parts, state).await?;
        Ok(Self { tenant })
    }
}

/// The sockets of this edge.
#[derive(Debug, Serialize, ToSchema)]
struct Sockets {
    active_connections: usize,
    /// How many sockets follow each topic by its name; the dashboard's rooms count as one.
    rooms: BTreeMap<String, usize>,
    connections: Vec<Socket>,
}

/// One socket.
#[derive(Debug, Serialize, ToSchema)]
struct Socket {
    /// The edge's own id of it.
    id: String,
    namespace: &'static str,
    user_id: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    connected_at: String,
    /// Topics joined.
    rooms: Vec<String>,
}

impl Sockets {
    fn of(mut list: Vec<ConnectionInfo>) -> Self {
        list.sort_by(|a, b| (&a.connected_at, &a.id).cmp(&(&b.connected_at, &b.id)));
        let mut rooms = BTreeMap::new();
        for topic in list.iter().flat_map(|info| &info.topics) {
            *rooms.entry(topic.clone()).or_default() += 1;
        }
        let connections: Vec<_> = list.into_iter().map(Socket::from).collect();
        Self { active_connections: connections.len(), rooms, connections }
    }
}

impl From<ConnectionInfo> for Socket {
    fn from(info: ConnectionInfo) -> Self {
        let ConnectionInfo { id, namespace, user_id, connected_at, topics, .. } = info;
        Self { id, namespace, user_id, connected_at, rooms: topics }
    }
}

/// A message to try sockets with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Broadcast {
    /// `system` unless it is said.
    room: Option<String>,
    /// `debug_broadcast` unless it is said.
    event: Option<String>,
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
}

/// Where the message went.
#[derive(Debug, Serialize, ToSchema)]
struct Sent {
    room: String,
    event: String,
    event_id: String,
    cursor: String,
}

/// Look at sockets
///
/// In development alone; elsewhere 404. Of the caller's tenant, at this edge. Needs the role admin.
#[utoipa::path(
    get, path = "/debug/socketio", tag = "operations",
    responses((status = 200, body = Sockets), Failures)
)]
async fn sockets(State(state): State<AppState>, developer: Developer) -> Json<Sockets> {
    let mut list = state.connections.list();
    list.retain(|info| info.tenant == developer.tenant);
    Json(Sockets::of(list))
}

/// Send a test message
///
/// In development alone; elsewhere 404. An event like any other: stored in its room, delivered to all who
/// follow it. Needs the role admin.
#[utoipa::path(
    post, path = "/debug/socketio/broadcast", tag = "operations", request_body = Option<Broadcast>,
    responses((status = 200, body = Sent), Failures)
)]
async fn broadcast(
    State(state): State<AppState>,
    _: Developer,
    caller: Caller,
    OptionalBody(message): OptionalBody<Broadcast>,
) -> Result<Json<Sent>, Problem> {
    let room = message.room.unwrap_or_else(|| ROOM.to_owned());
    let event = message.event.unwrap_or_else(|| EVENT.to_owned());
    let data = match message.data {
        Some(data) => data,
        None => RawValue::from_string(DATA.to_owned()).map_err(|_| internal())?,
    };
    let request = PublishRequest {
        topic: format!("room:{room}"),
        event: Some(NewEvent { r#type: event.clone(), payload: Some(payload(data)) }),
        ..PublishRequest::default()
    };
    let request = caller.upstream.request(request);
    let answer = state.upstream.broadcast().publish(request).await?.into_inner();
    let published = answer.published.ok_or_else(internal)?;
    Ok(Json(Sent { room, event, event_id: published.event_id, cursor: published.cursor }))
}

fn internal() -> Problem {
    Problem::new(Code::Internal, Code::Internal.entry().cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(id: &str, topics: &[&str]) -> ConnectionInfo {
        ConnectionInfo {
            id: id.into(),
            namespace: "/",
            user_id: "ana".into(),
            tenant: "default".into(),
            connected_at: "2026-01-31T12:00:00.000Z".into(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            ..ConnectionInfo::default()
        }
    }

    #[test]
    fn every_socket_counts_in_the_rooms_that_it_is_in() {
        let sockets = Sockets::of(vec![
            info("b", &["room:dashboard"]),
            info("a", &["room:dashboard", "job:1"]),
        ]);
        assert_eq!(sockets.active_connections, 2);
        assert_eq!(
            sockets.rooms,
            BTreeMap::from([("job:1".to_owned(), 1), ("room:dashboard".to_owned(), 2)])
        );
        assert_eq!(sockets.connections[0].id, "a");
    }
}
