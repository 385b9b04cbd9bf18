//! The parts of a route's path that name something.

use axum::extract::{FromRequestParts, Path as Parts};
use http::request;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

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
