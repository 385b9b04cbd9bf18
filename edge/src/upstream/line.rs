//! The way to the cores, with what the edge itself shows with every call.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use roomcast_client::cores::Way;
use tonic::{Status, body::Body};
use tower::Service;

use super::{Credential, heard::Heard};

/// Puts the edge's credential and what it has heard with each call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) way: Way,
    pub(super) credential: Credential,
    pub(super) heard: Heard,
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.way.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.credential.header() {
            Ok(Some(token)) => {
                request.headers_mut().insert(Credential::HEADER, token);
            }
            Ok(None) => {}
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        }
        if let Some(cursor) = self.heard.header() {
            request.headers_mut().insert(Heard::HEADER, cursor);
        }
        self.way.call(request)
    }
}
