//! `/sessions/{session_id}/save`, `load` and `saves`: graphs that are kept under a name.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{
    self, GetGraphRequest, ListSavesRequest, LoadGraphRequest, SaveGraphRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::graphs::{GraphState, content};
use crate::{
    names::rfc3339,
    problem::Problem,
    rest::{
        body::Body, caller::Caller, idempotency::IdempotencyKey, openapi::Failures,
        parameters::Parameters, path::Path,
    },
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(save))
        .routes(routes!(load))
        .routes(routes!(list))
        .routes(routes!(get))
}

/// A save to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSave {
    /// `[A-Za-z0-9_.-]{1,128}`. Every save of a name is a new version.
    name: String,
    /// Which graph, by default `main`.
    graph: Option<String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same answer for 24 h.
    idempotency_key: Option<String>,
}

/// Which save to load.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Loading {
    /// The save's name.
    name: String,
    /// The save's version, by default the newest.
    #[schema(minimum = 1)]
    version: Option<u64>,
    /// Which graph to replace, by default `main`.
    graph: Option<String>,
    /// At most 128 bytes; as the `Idempotency-Key` header. The same key gives the same answer for 24 h.
    idempotency_key: Option<String>,
}

/// A save that was made or loaded.
#[derive(Debug, Serialize, ToSchema)]
struct Kept<'a> {
    /// The save's name.
    name: &'a str,
    /// The save's version, from 1.
    version: u64,
    /// The graph's version: the one that was saved, or the one after the load.
    graph_version: u64,
    /// The head of the session's topic after it.
    cursor: &'a str,
}

/// A graph as it was kept.
#[derive(Debug, Serialize, ToSchema)]
struct Save<'a> {
    name: &'a str,
    /// From 1.
    version: u64,
    /// The graph it was made of.
    graph: &'a str,
    /// The version of that graph.
    graph_version: u64,
    node_count: u64,
    /// By whom.
    user_id: &'a str,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

/// All saves of a session, newest first: at most 50 names with 20 versions each.
#[derive(Debug, Serialize, ToSchema)]
struct Saves<'a> {
    saves: Vec<Save<'a>>,
}

impl<'a> Save<'a> {
    fn of(save: &'a v1::Save) -> Self {
        Self {
            name: &save.name,
            version: save.version,
            graph: &save.graph,
            graph_version: save.graph_version,
            node_count: save.node_count,
            user_id: &save.user_id,
            created_at: save.create_time.as_ref().map(rfc3339),
        }
    }
}

/// Save a graph
///
/// As it is at one moment, while editing goes on. Needs the role editor in the project.
#[utoipa::path(
    post, path = "/sessions/{session_id}/save", tag = "sessions", request_body = NewSave,
    params(
        ("session_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same answer for 24 h"),
    ),
    responses((status = 200, body = Kept), Failures)
)]
async fn save(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
    key: IdempotencyKey,
    Body(new): Body<NewSave>,
) -> Result<Response, Problem> {
    let NewSave { name, graph, idempotency_key } = new;
    let request = SaveGraphRequest {
        session_id,
        graph: graph.unwrap_or_default(),
        name: name.clone(),
        idempotency_key: key.or(idempotency_key)?,
    };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().save_graph(request).await?.into_inner();
    let v1::SaveGraphResponse { version, graph_version, cursor } = &answer;
    let kept = Kept { name: &name, version: *version, graph_version: *graph_version, cursor };
    Ok(Json(kept).into_response())
}

/// Load a save
///
/// Replaces the graph and begins its history anew: nothing before it can be undone. Needs the role
/// editor in the project.
#[utoipa::path(
    post, path = "/sessions/{session_id}/load", tag = "sessions", request_body = Loading,
    params(
        ("session_id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same answer for 24 h"),
    ),
    responses((status = 200, body = Kept), Failures)
)]
async fn load(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
    key: IdempotencyKey,
    Body(loading): Body<Loading>,
) -> Result<Response, Problem> {
    let Loading { name, version, graph, idempotency_key } = loading;
    if version == Some(0) {
        return Err(Problem::field("version", "must be 1 or more; left out it is the newest"));
    }
    let request = LoadGraphRequest {
        session_id,
        graph: graph.unwrap_or_default(),
        name: name.clone(),
        version: version.unwrap_or_default(),
        idempotency_key: key.or(idempotency_key)?,
    };
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.sessions().load_graph(request).await?.into_inner();
    let v1::LoadGraphResponse { version, graph_version, cursor } = &answer;
    let kept = Kept { name: &name, version: *version, graph_version: *graph_version, cursor };
    Ok(Json(kept).into_response())
}

/// List a session's saves
#[utoipa::path(
    get, path = "/sessions/{session_id}/saves", tag = "sessions",
    params(("session_id" = String, Path)),
    responses((status = 200, body = Saves), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(session_id): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(ListSavesRequest { session_id });
    let answer = state.upstream.sessions().list_saves(request).await?.into_inner();
    Ok(Json(Saves { saves: answer.saves.iter().map(Save::of).collect() }).into_response())
}

/// Read a save
///
/// Its content never changes: what `project:loaded` names is read here.
#[utoipa::path(
    get, path = "/sessions/{session_id}/saves/{name}", tag = "sessions",
    params(
        ("session_id" = String, Path), ("name" = String, Path),
        ("version" = Option<u64>, Query, description = "From 1, by default the newest"),
    ),
    responses((status = 200, body = GraphState), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path((session_id, save)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let version = parameters.knows(&["version"])?.number("version")?;
    let request = GetGraphRequest { session_id, graph: String::new(), save, version };
    let request = caller.upstream.request(request);
    content(&state.upstream.sessions().get_graph(request).await?.into_inner())
}
