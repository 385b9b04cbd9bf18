//! `/sessions/{session_id}/graphs`: a session's documents.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{GetGraphRequest, GetGraphResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    names::Graph,
    problem::Problem,
    rest::{caller::Caller, openapi::Failures, path::Path},
    state::AppState,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// A graph, or a save of one, with its content.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GraphState<'a> {
    #[serde(flatten)]
    graph: Graph<'a>,
    /// The head of the session's topic that this stands at; none for a save, which never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

/// The answer of the core as the answer to a request.
pub(super) fn content(answer: &GetGraphResponse) -> Result<Response, Problem> {
    let graph = answer.graph.as_ref().ok_or_else(|| Problem::unnamed("graph"))?;
    let graph = Graph::of(graph);
    let cursor = Some(answer.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    Ok(Json(GraphState { graph, cursor }).into_response())
}

/// Read a graph
///
/// `main` is there before its first command, empty.
#[utoipa::path(
    get, path = "/sessions/{session_id}/graphs/{graph}", tag = "sessions",
    params(("session_id" = String, Path), ("graph" = String, Path, example = "main")),
    responses((status = 200, body = GraphState), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path((session_id, graph)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let request = GetGraphRequest { session_id, graph, ..GetGraphRequest::default() };
    let request = caller.upstream.request(request);
    content(&state.upstream.sessions().get_graph(request).await?.into_inner())
}
