//! `/websocket/stats`: who is connected over Socket.IO, for operators.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Admin, openapi::Failures};
use crate::{app::AppState, socket::ConnectionInfo};

/// Enough of an id to tell connections apart, too little to take for a key.
const SID_LENGTH: usize = 8;

const JOB: &str = "job:";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stats))
}

/// Who is connected over Socket.IO.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct Stats {
    total_connections: usize,
    /// Jobs that somebody watches.
    active_job_rooms: usize,
    connections: Vec<Connection>,
}

/// One connection.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct Connection {
    /// The beginning of the edge's own id of it.
    sid: String,
    user_id: String,
    /// RFC 3339.
    connected_at: String,
    /// How many jobs it watches.
    watching_jobs: usize,
}

impl Stats {
    fn of(mut list: Vec<ConnectionInfo>) -> Self {
        list.sort_by(|a, b| (&a.connected_at, &a.id).cmp(&(&b.connected_at, &b.id)));
        let topics = list.iter().flat_map(|info| {
            info.topics
                .iter()
                .filter(|topic| topic.starts_with(JOB))
                .map(|topic| (info.tenant.as_str(), topic.as_str()))
        });
        let active_job_rooms = topics.collect::<BTreeSet<_>>().len();
        let connections: Vec<_> = list.iter().map(Connection::of).collect();
        Self { total_connections: connections.len(), active_job_rooms, connections }
    }
}

impl Connection {
    fn of(info: &ConnectionInfo) -> Self {
        Self {
            sid: info.id.chars().take(SID_LENGTH).collect(),
            user_id: info.user_id.clone(),
            connected_at: info.connected_at.clone(),
            watching_jobs: info.topics.iter().filter(|topic| topic.starts_with(JOB)).count(),
        }
    }
}

/// Who is connected over Socket.IO
///
/// Needs the role admin.
#[utoipa::path(
    get, path = "/websocket/stats", tag = "operations",
    responses((status = 200, body = Stats), Failures)
)]
async fn stats(State(state): State<AppState>, _: Admin) -> Json<Stats> {
    Json(Stats::of(state.connections.list()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(id: &str, tenant: &str, topics: &[&str]) -> ConnectionInfo {
        ConnectionInfo {
            id: id.into(),
            namespace: "/",
            user_id: "ana".into(),
            tenant: tenant.into(),
            connected_at: "2026-01-31T12:00:00.000Z".into(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        }
    }

    #[test]
    fn a_room_counts_once_however_many_watch_it() {
        let stats = Stats::of(vec![
            info("b23456789", "default", &["job:1", "user:ana"]),
            info("a23456789", "default", &["job:1"]),
            info("c23456789", "other", &["job:1"]),
        ]);
        assert_eq!((stats.total_connections, stats.active_job_rooms), (3, 2));
        assert_eq!(
            serde_json::to_value(&stats.connections[0]).unwrap(),
            json!({
                "sid": "a2345678", "user_id": "ana",
                "connected_at": "2026-01-31T12:00:00.000Z", "watching_jobs": 1,
            })
        );
    }
}
