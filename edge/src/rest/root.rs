//! `/`: what this is, for programs; browsers are taken to the console.

use axum::{
    Json,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accept::wants;
use crate::{console, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// What this is and where to go on.
#[derive(Debug, Serialize, ToSchema)]
struct Root {
    message: &'static str,
    version: &'static str,
    /// Path of the readable description.
    docs: &'static str,
    /// Path of Socket.IO.
    websocket: &'static str,
}

/// What this is
///
/// JSON for programs; browsers are taken to the console.
#[utoipa::path(
    get, path = "/", tag = "operations",
    responses((status = 200, body = Root), (status = 303, description = "The console, for browsers"))
)]
async fn get(headers: HeaderMap) -> Response {
    let mut response = if wants(&headers, "text/html") {
        Redirect::to(console::PATH).into_response()
    } else {
        Json(Root {
            message: "Roomcast",
            version: env!("CARGO_PKG_VERSION"),
            docs: "/docs",
            websocket: "/socket.io/",
        })
        .into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    response
}
