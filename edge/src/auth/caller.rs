//! On whose behalf a call is made.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use roomcast_client::cores::Repeatable;
use roomcast_runtime::trace::TraceContext;
use tonic::{Request, metadata::MetadataValue};

use super::Session;
use crate::upstream::CALL_DEADLINE;

/// A user's own token, passed on so that the core decides, and the trace the call belongs to.
#[derive(Clone)]
pub struct Caller {
    /// Who, with the token as the browser showed it.
    pub session: Arc<Session>,
    /// The trace that events caused by the call belong to.
    pub trace: TraceContext,
    /// Where the user is, for the log of what operators do.
    pub client: Option<IpAddr>,
}

/// Metadata key of [`Caller::client`].
const CLIENT: &str = "x-roomcast-client";

impl Caller {
    /// The edge itself, which shows only its service credential.
    #[must_use]
    pub fn edge() -> Self {
        Self {
            session: Arc::new(Session::of_edge()),
            trace: TraceContext::generate(),
            client: None,
        }
    }

    /// A request with the token, the trace and the usual deadline.
    pub fn request<T>(&self, message: T) -> Request<T> {
        self.request_within(message, CALL_DEADLINE)
    }

    /// Like [`Caller::request`]. With an idempotency key it may be sent again, to another core, when no
    /// answer came.
    pub fn repeatable<T>(&self, message: T, key: impl FnOnce(&T) -> &str) -> Request<T> {
        let has_key = !key(&message).is_empty();
        let mut request = self.request(message);
        if has_key {
            request.extensions_mut().insert(Repeatable);
        }
        request
    }

    /// Like [`Caller::request`] with a deadline of its own.
    pub fn request_within<T>(&self, message: T, deadline: Duration) -> Request<T> {
        let mut request = self.stream_request(message);
        request.set_timeout(deadline);
        request
    }

    /// Like [`Caller::request`] without a deadline, for streams.
    pub fn stream_request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(bearer) =
            self.session.token().and_then(|token| format!("Bearer {token}").parse().ok())
        {
            let mut bearer: MetadataValue<_> = bearer;
            bearer.set_sensitive(true);
            metadata.insert("authorization", bearer);
        }
        if let Some(client) = self.client.and_then(|client| client.to_string().parse().ok()) {
            metadata.insert(CLIENT, client);
        }
        if let Ok(trace) = self.trace.to_string().parse() {
            metadata.insert("traceparent", trace);
        }
        request
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("session", &self.session)
            .field("trace", &self.trace.to_string())
            .finish()
    }
}
