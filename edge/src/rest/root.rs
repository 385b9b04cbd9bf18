//! `/`: what this is, for programs; the first page for browsers.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accept::wants;
use crate::{app::AppState, page};

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
/// JSON for programs, the first page for browsers.
#[utoipa::path(
    get, path = "/", tag = "operations",
    responses((status = 200, content((Root = "application/json"), (String = "text/html"))))
)]
async fn get(headers: HeaderMap) -> Response {
    let mut response = if wants(&headers, "text/html") {
        page::index()
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
