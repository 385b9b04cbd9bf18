//! Where a route stands, and the parts of its path that name something.

use axum::extract::{FromRequestParts, Path as Parts};
use http::request;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Where the routes stand beside the root.
pub(super) const PREFIX: &str = "/api/v1";

/// As axum's own, with a problem for what names nothing that there could be.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Problem> {
        match Parts::from_request_parts(parts, state).await {
            Ok(Parts(named)) => Ok(Self(named)),
            Err(rejection) => Err(Problem::field("path", rejection.body_text())),
        }
    }
}
