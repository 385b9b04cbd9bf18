//! A span for every call, a child of the caller's: what OTLP exports when an endpoint is configured.

use std::net::SocketAddr;

use http::Request;
use roomcast_runtime::trace::TraceContext;
use tower::layer::util::{Identity, Stack};
use tower_http::classify::{GrpcErrorsAsFailures, SharedClassifier};
use tower_http::trace::{
    DefaultOnFailure, DefaultOnRequest, DefaultOnResponse, MakeSpan, TraceLayer,
};
use tracing::{Level, Span};

use crate::listener::Peer;

/// The layer of [`layer`], by name.
pub(crate) type Traced =
    Stack<TraceLayer<SharedClassifier<GrpcErrorsAsFailures>, RpcSpan>, Identity>;

/// Spans of calls.
pub(crate) fn layer() -> TraceLayer<SharedClassifier<GrpcErrorsAsFailures>, RpcSpan> {
    TraceLayer::new_for_grpc()
        .make_span_with(RpcSpan)
        .on_request(DefaultOnRequest::new().level(Level::TRACE))
        .on_response(DefaultOnResponse::new().level(Level::DEBUG))
        // A refused call is the caller's affair; its status tells the caller why.
        .on_failure(DefaultOnFailure::new().level(Level::DEBUG))
}

/// Names the span of a call and puts it into the caller's trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RpcSpan;

impl<B> MakeSpan<B> for RpcSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let (method, peer) = (request.uri().path(), peer(request));
        let peer = peer.map(tracing::field::display);
        let span = tracing::info_span!("rpc", rpc.method = method, network.peer.address = peer);
        TraceContext::from_headers(request.headers()).set_parent(&span);
        span
    }
}

/// Where a call comes from: of one that is refused nothing else is known for sure.
fn peer<B>(request: &Request<B>) -> Option<SocketAddr> {
    Some(request.extensions().get::<Peer>()?.address)
}
