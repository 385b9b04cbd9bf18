//! The answer to a POST that made something.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::path::PREFIX;

/// `201` with what was made, and where it is read: `noun` is that of the path.
pub(super) fn created(noun: &str, id: &str, body: &impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("{PREFIX}/{noun}/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
