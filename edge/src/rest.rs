//! REST: the commands and reads of `docs/PROTOCOL.md` for programs, and server-sent events.
//!
//! A request comes in through [`trace`], is counted by [`rate`], authenticated by [`caller`], checked for its form only, and
//! becomes one call to the core, which decides. What fails is a [`Problem`]. One file per URL noun;
//! every route is declared together with its OpenAPI description, so that neither exists alone. The
//! same routes stand under `/api/v1` and at the root.

mod accept;
mod accepted;
mod audit;
mod body;
mod caller;
mod cluster;
mod commands;
mod connections;
mod created;
mod debug;
mod docs;
mod events;
mod explain;
mod health;
mod idempotency;
mod job;
mod jobs;
mod metrics;
mod openapi;
mod page_query;
mod parameters;
mod path;
mod payload;
mod projects;
mod rate;
mod revocations;
mod rooms;
mod root;
mod sessions;
mod snapshot;
mod sse;
mod stats;
mod tickets;
mod topics;
mod trace;
mod users;
mod whoami;

use std::any::Any;

use axum::{
    Extension, Router,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, Uri, header};
use roomcast_proto::registry::Code;
use roomcast_runtime::telemetry;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};
use utoipa_axum::router::OpenApiRouter;

use self::{docs::Page, openapi::Description, path::PREFIX};
use crate::{console, page, problem::Problem, state::AppState};

/// All routes.
pub fn router(state: AppState) -> Router {
    let (routes, document) = described().split_for_parts();
    let document = openapi::whole(&document);
    let routes = routes.method_not_allowed_fallback(method_not_allowed);
    let layers = ServiceBuilder::new()
        .layer(from_fn(trace::carry))
        .layer(CatchPanicLayer::custom(fault))
        .layer(from_fn_with_state(rate::Quota::new(&state), rate::limit))
        .layer(if_absent(header::CACHE_CONTROL, "no-store"))
        .layer(if_absent(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(Extension(Description::of(&document)))
        .layer(Extension(Page::of(&document)))
        // Counting begins with the first request, not with the first look at the counters.
        .layer(Extension(telemetry::metrics()));
    Router::new()
        .merge(routes.clone())
        .nest(PREFIX, routes)
        .merge(page::assets())
        .merge(console::routes())
        .fallback(not_found)
        .layer(layers)
        .with_state(state)
}

/// The description of every route, in OpenAPI 3.1.
#[must_use]
pub fn description() -> serde_json::Value {
    openapi::whole(&described().into_openapi())
}

/// Every route with its description.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(jobs::router())
        .merge(topics::router())
        .merge(rooms::router())
        .merge(projects::router())
        .merge(sessions::router())
        .merge(commands::router())
        .merge(tickets::router())
        .merge(revocations::router())
        .merge(users::router())
        .merge(connections::router())
        .merge(whoami::router())
        .merge(explain::router())
        .merge(audit::router())
        .merge(debug::router())
        .merge(root::router())
        .merge(health::router())
        .merge(stats::router())
        .merge(metrics::router())
        .merge(openapi::router())
        .merge(docs::router())
}

fn if_absent(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(Code::RouteNotFound, format!("there is nothing at {}", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} does not take {method}", uri.path()))
}

fn fault(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    tracing::error!(message, "a request's handler panicked");
    Problem::new(Code::Internal, Code::Internal.entry().cause).into_response()
}

#[cfg(test)]
mod tests;
