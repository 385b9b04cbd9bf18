//! `/health`, `/livez`, `/readyz`: for people, for supervisors, for load balancers.

mod refusal;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use roomcast_client::cores::{Known, picker};
use roomcast_proto::registry::Code;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::refusal::Refusal;
use crate::{problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(livez)).routes(routes!(readyz))
}

/// Whether a query asks for each part.
pub(super) fn is_verbose(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part == "verbose"))
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

/// Whether traffic should come here, and with `verbose` what that is made of.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ok`, `core_unavailable` or `draining`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Left out where the status is `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
    /// Whether the stream of events from the core stands.
    #[schema(required = false)]
    events: bool,
    /// Whether the core was heard of changed rights of late. Where it was not, rights are asked for anew
    /// before anything is delivered under them.
    #[schema(required = false)]
    rights: bool,
    /// Whether the core in use hears the others: `up`, `polling` (events of other cores come up to a quarter
    /// of a second later), or `unknown` where it does not answer.
    #[schema(example = "up", required = false)]
    bus: &'static str,
    /// The cores, in the order of the settings.
    #[schema(required = false)]
    cores: Vec<Standing>,
}

/// What the edge knows of a core.
#[derive(Debug, Serialize, ToSchema)]
struct Standing {
    /// `serving`, `unknown` (not asked yet), `doubted` (a call to it failed), `refusing` (it drains, or has no
    /// store), `lost` (it does not answer).
    #[schema(example = "serving")]
    standing: &'static str,
    /// Whether it is the one in use.
    home: bool,
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
/// Not while the core cannot be reached or refuses this edge's credential, or the edge drains. With
/// `?verbose` what that is made of, under the same status: which part keeps traffic away, why, and what to
/// do about it.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    params(("verbose" = Option<String>, Query, description = "Tells of each part")),
    responses(
        (status = 200, body = Readiness, description = "Without `verbose`, the status alone"),
        (status = 503, description = "`core_unavailable`, `draining`", content((crate::problem::Document = "application/problem+json"), (Readiness = "application/json"))),
    )
)]
async fn readyz(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let refusal = Refusal::of(&state);
    match refusal {
        refusal if is_verbose(query.as_deref()) => {
            let status =
                if refusal.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, Json(readiness(&state, refusal).await)).into_response()
        }
        None => Json(Passed { status: "ok" }).into_response(),
        Some((code, refusal)) => Problem::new(code, refusal.cause).into_response(),
    }
}

async fn readiness(state: &AppState, refusal: Option<(Code, Refusal)>) -> Readiness {
    let (code, refusal) = refusal.unzip();
    let bus = match state.upstream.hears_others().await {
        Some(true) => "up",
        Some(false) => "polling",
        None => "unknown",
    };
    let cores = state.upstream.known().into_iter();
    Readiness {
        status: code.map_or("ok", Code::as_str),
        refusal,
        events: state.feeds.is_connected(),
        rights: state.rights.is_heard(),
        bus,
        cores: cores.map(|core| Standing { standing: word(core), home: core.is_home }).collect(),
    }
}

fn word(core: Known) -> &'static str {
    match core.standing {
        picker::Standing::Serving => "serving",
        picker::Standing::Unknown => "unknown",
        picker::Standing::Doubted => "doubted",
        picker::Standing::Refusing => "refusing",
        picker::Standing::Lost => "lost",
    }
}
