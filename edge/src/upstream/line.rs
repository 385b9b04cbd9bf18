//! The way to the cores, with what the edge itself shows with every call.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use roomcast_client::cores::Way;
use roomcast_proto::registry::Code;
use tonic::{Status, body::Body};
use tonic_types::StatusExt as _;
use tower::Service;

use super::{Credential, entry::Entry, heard::Heard};

/// Puts the edge's credential and what it has heard with each call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) way: Way,
    pub(super) credential: Credential,
    pub(super) heard: Heard,
    pub(super) entry: Entry,
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
        let (answer, entry) = (self.way.call(request), self.entry.clone());
        let credential = self.credential.clone();
        Box::pin(async move {
            let answer = answer.await.inspect_err(|_| entry.set(None))?;
            let status = Status::from_header_map(answer.headers());
            let refused = status.and_then(|status| no_entry(&status));
            entry.set(refused.as_ref().map(Status::message));
            if refused.is_some() {
                credential.forget();
            }
            refused.map_or(Ok(answer), Err)
        })
    }
}

/// What a core's refusal of the edge's own credential is to others: no core. Were it told as it came, a
/// page would take its user's token to be what is wrong.
fn no_entry(status: &Status) -> Option<Status> {
    let is_required = Code::of(status) == Code::ServiceCredentialRequired;
    let meant = status.get_details_resource_info();
    let is_meant = meant.is_some_and(|meant| meant.resource_type == Credential::HEADER);
    (is_required || is_meant).then(|| {
        let reason = status.message();
        Code::CoreUnavailable.status(format!("the core refuses this edge's credential: {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_of_the_edge_is_not_told_as_one_of_its_user() {
        let mut details = ErrorDetails::new();
        details.set_resource_info(Credential::HEADER, "", "", "");
        let refused = Code::TokenExpired.status_with("service token: over", details);
        let told = no_entry(&refused).expect("it is the edge's");
        assert_eq!(Code::of(&told), Code::CoreUnavailable);
        assert!(told.message().ends_with("service token: over"), "{told}");
        assert!(no_entry(&Code::ServiceCredentialRequired.status("none")).is_some());
        assert!(no_entry(&Code::TokenExpired.status("the user's")).is_none());
    }
}
