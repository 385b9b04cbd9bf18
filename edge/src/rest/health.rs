//! `/health`, `/livez`, `/readyz`: for people, for supervisors, for load balancers.

use axum::{Json, extract::State};
use roomcast_proto::registry::Code;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::problem::Problem;
use crate::app::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(livez)).routes(routes!(readyz))
}

/// How this edge is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`, or `degraded`: browsers stay connected, and what needs the core waits.
    #[schema(example = "healthy")]
    status: &'static str,
    checks: Checks,
}

#[derive(Debug, Serialize, ToSchema)]
struct Checks {
    core: Core,
    socketio_manager: SocketIo,
}

/// The way to the core.
#[derive(Debug, Serialize, ToSchema)]
struct Core {
    /// `healthy` or `unreachable`.
    #[schema(example = "healthy")]
    status: &'static str,
}

/// Browsers on this edge. Counts only.
#[derive(Debug, Serialize, ToSchema)]
struct SocketIo {
    active_connections: usize,
    /// Topics that somebody follows.
    rooms: usize,
}

/// A check that passes.
#[derive(Debug, Serialize, ToSchema)]
struct Passed {
    #[schema(example = "ok")]
    status: &'static str,
}

/// How this edge is
#[utoipa::path(get, path = "/health", tag = "operations", responses((status = 200, body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    let is_connected = state.feeds.is_connected();
    Json(Health {
        status: if is_connected { "healthy" } else { "degraded" },
        checks: Checks {
            core: Core { status: if is_connected { "healthy" } else { "unreachable" } },
            socketio_manager: SocketIo {
                active_connections: state.connections.len(),
                rooms: state.feeds.len(),
            },
        },
    })
}

/// Whether this process lives
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, body = Passed)))]
async fn livez() -> Json<Passed> {
    Json(Passed { status: "ok" })
}

/// Whether traffic should come here
///
/// Not while the core cannot be reached or the edge drains.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, body = Passed),
        (status = 503, description = "`core_unavailable`, `draining`", body = super::problem::Document, content_type = "application/problem+json"),
    )
)]
async fn readyz(State(state): State<AppState>) -> Result<Json<Passed>, Problem> {
    if state.is_ready() {
        return Ok(Json(Passed { status: "ok" }));
    }
    let code = if state.is_draining() { Code::Draining } else { Code::CoreUnavailable };
    Err(Problem::new(code, code.entry().cause))
}
