//! A core as one of another version speaks: a relay before a real one that says more than this version
//! knows, and does not know all that this version asks for.

use std::net::SocketAddr;
use std::pin::Pin;

use axum::Router;
use axum::extract::{Request as Call, State};
use axum::response::{IntoResponse, Response as Answer};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use http::uri::PathAndQuery;
use prost::Message as _;
use prost::encoding;
use roomcast_proto::v1::subscribe_response::Response as Told;
use roomcast_proto::v1::{Event, EventBatch, SubscribeResponse, event};
use roomcast_test_servers::Plain;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::server::StreamingService;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic::{Extensions, Request, Response, Status, Streaming};

use crate::support::Core;

/// Numbers that no field of this version has.
const LATER_NUMBER: u32 = 3000;
const LATER_TEXT: u32 = 3001;
const LATER_FRAME: u32 = 3002;
/// The stream that carries what sockets get.
const SUBSCRIBE: &str = "/roomcast.v1.BroadcastService/Subscribe";
/// Events of this type have content of a kind that this version does not know.
pub(super) const LATER_TYPE: &str = "of-later-versions";

/// Ends, with all that it carries, when it is dropped.
#[derive(Debug)]
pub(super) struct Dialect {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

/// How the core behind the relay is reached, and what it is not asked for.
#[derive(Debug, Clone)]
struct Relay {
    core: Channel,
    lacks: &'static [&'static str],
}

impl Dialect {
    /// What a core says comes with fields and between frames of a later version, and so does what it is
    /// told. It does not know the calls that it lacks.
    pub(super) async fn of(core: &Core, lacks: &'static [&'static str]) -> Dialect {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let relay = Relay { core: core.channel(), lacks };
        let routes = Routes::from(Router::new().fallback(carry).with_state(relay));
        let server = Server::builder().add_routes(routes);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("it serves");
        });
        Dialect { address, _serving: serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn carry(State(relay): State<Relay>, call: Call) -> Answer {
    let path = call.uri().path().to_owned();
    if relay.lacks.iter().any(|lacking| path.ends_with(lacking)) {
        return Status::unimplemented("").into_http::<axum::body::Body>().into_response();
    }
    let path = path.parse().expect("a path");
    tonic::server::Grpc::new(Plain).streaming(Carried { relay, path }, call).await.into_response()
}

/// One call on its way. On the wire one message is a stream of one.
struct Carried {
    relay: Relay,
    path: PathAndQuery,
}

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

impl StreamingService<Bytes> for Carried {
    type Response = Bytes;
    type ResponseStream = Messages;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Messages>, Status>> + Send>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let (core, path) = (self.relay.core.clone(), self.path.clone());
        Box::pin(async move {
            let (mut metadata, _, asked) = request.into_parts();
            // What is said here is longer.
            metadata.remove("content-length");
            let is_subscription = path == SUBSCRIBE;
            let asked = asked.filter_map(|message| async { message.ok() });
            let asked = asked.flat_map(move |message| said(extended(message), is_subscription));
            let mut core = tonic::client::Grpc::new(core);
            core.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let request = Request::from_parts(metadata, Extensions::default(), asked);
            let (metadata, answers, extensions) =
                core.streaming(request, path, Plain).await?.into_parts();
            let answers = answers.flat_map(move |answer| {
                let answer = answer.map(|answer| match is_subscription {
                    true => later_events(answer),
                    false => extended(answer),
                });
                match answer {
                    Ok(answer) => said(answer, is_subscription).map(Ok).left_stream(),
                    Err(status) => stream::iter([Err(status)]).right_stream(),
                }
            });
            let answers: Messages = Box::pin(answers);
            Ok(Response::from_parts(metadata, answers, extensions))
        })
    }
}

/// A message, and in a stream that has no end after it a frame that this version does not know.
fn said(message: Bytes, is_stream: bool) -> stream::Iter<std::vec::IntoIter<Bytes>> {
    let mut messages = vec![message];
    if is_stream {
        let mut frame = BytesMut::new();
        encoding::bytes::encode(LATER_FRAME, &extended(Bytes::new()), &mut frame);
        messages.push(frame.freeze());
    }
    stream::iter(messages)
}

/// A message with fields that this version does not know.
fn extended(message: Bytes) -> Bytes {
    let mut longer = BytesMut::from(&message[..]);
    encoding::uint64::encode(LATER_NUMBER, &u64::MAX, &mut longer);
    encoding::string::encode(LATER_TEXT, &"said by a later version".to_owned(), &mut longer);
    longer.freeze()
}

/// The same of each event in a message. One of the later type loses its content to a field that this
/// version does not know.
fn later_events(message: Bytes) -> Bytes {
    let told = SubscribeResponse::decode(message.clone()).expect("what the core says");
    let Some(Told::Events(EventBatch { subscription_id, events, bytes })) = told.response else {
        return extended(message);
    };
    let mut batch = BytesMut::new();
    encoding::uint32::encode(1, &subscription_id, &mut batch);
    for event in events {
        encoding::bytes::encode(2, &later_event(event), &mut batch);
    }
    encoding::uint64::encode(3, &bytes, &mut batch);
    let mut response = BytesMut::new();
    encoding::bytes::encode(2, &extended(batch.freeze()), &mut response);
    extended(response.freeze())
}

fn later_event(mut event: Event) -> Bytes {
    match &mut event.body {
        Some(event::Body::Job(job)) if event.r#type == "job.progress" => job.kind = None,
        _ if event.r#type == LATER_TYPE => event.body = None,
        _ => {}
    }
    extended(event.encode_to_vec().into())
}
