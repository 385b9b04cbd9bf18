//! `/websocket/stats`: who is connected over Socket.IO, for operators.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use roomcast_proto::v1::EdgeConnection;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::{Caller, Observer},
    cluster,
    openapi::Failures,
    parameters::Parameters,
};
use crate::{connections::ConnectionInfo, problem::Problem, state::AppState};

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
    connections: Vec<ConnectionCount>,
    /// With `scope=cluster`: the edges that somebody is connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<EdgeCount>>,
    /// With `scope=cluster`: whether there are more than the 100,000 that are counted here.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

/// One edge of the cluster.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct EdgeCount {
    /// Names the process; its log says it at the start.
    edge_id: String,
    total_connections: usize,
}

/// One connection.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct ConnectionCount {
    /// The beginning of the edge's own id of it.
    sid: String,
    user_id: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    connected_at: String,
    /// How many jobs it watches.
    watching_jobs: usize,
    /// With `scope=cluster`: the edge that it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_id: Option<String>,
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
        let connections: Vec<_> = list.iter().map(ConnectionCount::of).collect();
        Self {
            total_connections: connections.len(),
            active_job_rooms,
            connections,
            edges: None,
            truncated: None,
        }
    }

    fn of_cluster(cluster::Connections { list, is_truncated }: cluster::Connections) -> Self {
        let (mut jobs, mut edges) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
        let mut connections = Vec::with_capacity(list.len());
        for EdgeConnection { edge_id, connection } in list {
            let Some(told) = connection else { continue };
            *edges.entry(edge_id.clone()).or_default() += 1;
            connections.push(ConnectionCount {
                sid: shown(&told.connection_id),
                user_id: told.user_id,
                connected_at: told.connected_at,
                watching_jobs: usize::try_from(told.watching_jobs).unwrap_or(usize::MAX),
                edge_id: Some(edge_id),
            });
            jobs.extend(told.job_ids);
        }
        connections.sort_by(|a, b| (&a.connected_at, &a.sid).cmp(&(&b.connected_at, &b.sid)));
        let edges = edges.into_iter();
        let edges =
            edges.map(|(edge_id, total_connections)| EdgeCount { edge_id, total_connections });
        Self {
            total_connections: connections.len(),
            active_job_rooms: jobs.len(),
            connections,
            edges: Some(edges.collect()),
            truncated: Some(is_truncated),
        }
    }
}

impl ConnectionCount {
    fn of(info: &ConnectionInfo) -> Self {
        Self {
            sid: shown(&info.id),
            user_id: info.user_id.clone(),
            connected_at: info.connected_at.clone(),
            watching_jobs: info.topics.iter().filter(|topic| topic.starts_with(JOB)).count(),
            edge_id: None,
        }
    }
}

fn shown(id: &str) -> String {
    id.chars().take(SID_LENGTH).collect()
}

/// Who is connected over Socket.IO
///
/// Of the caller's tenant: at this edge, or with `scope=cluster` at all of them, as each told some
/// seconds ago. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/websocket/stats", tag = "operations",
    params(("scope" = Option<String>, Query, description = "`edge` (the default) or `cluster`")),
    responses((status = 200, body = Stats), Failures)
)]
async fn stats(
    State(state): State<AppState>,
    parameters: Parameters,
    caller: Caller,
    observer: Observer,
) -> Result<Json<Stats>, Problem> {
    if cluster::is_asked_for(&parameters.knows(&["scope"])?)? {
        let all = cluster::connections(&state, &caller, None).await?;
        return Ok(Json(Stats::of_cluster(all)));
    }
    let mut here = state.connections.list();
    here.retain(|info| info.tenant == observer.tenant);
    Ok(Json(Stats::of(here)))
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
            ..ConnectionInfo::default()
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
