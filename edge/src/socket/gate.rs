//! In front of Engine.IO: who may open a session, and who may speak for one.
//!
//! Every request of Engine.IO passes here. One that opens a session takes a place of its address until
//! the session has shown a token. One that names a session must come from its [`owner`](super::owner).
//! A poll that is given up, or whose answer was lost on its way, ends its session at once, as clients
//! expect: Engine.IO itself would keep it, and lose what was written for that poll.

mod kept;

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::any,
};
use http::{Method, StatusCode, header};
use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;
use serde::Deserialize;
use socketioxide_core::Sid;
use tokio::{runtime::Handle, time::timeout};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

use self::kept::kept;
use super::{
    owner::{Owner, Shown},
    transport::{Session, Transports},
};
use crate::{
    config::Config,
    listener::{Caps, ClientAddress, Network, limit_hit},
    problem::Problem,
};

/// Bytes of one message, on every transport: what Node's server takes by default.
pub(super) const MESSAGE_BYTES_MAX: usize = 1_000_000;
/// The answer that opens a session is a line of JSON.
const OPENING_BYTES_MAX: usize = 4096;
/// Packets of one POST: a client that was away sends all it has gathered in one.
const PACKETS_MAX: usize = 1024;
/// What separates them.
const SEPARATOR: u8 = 0x1e;
/// A body must arrive within this: a slow one holds memory.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Engine.IO's word for the end of a session, and its answer to a ping.
const CLOSE: &str = "1";
const PONG: &str = "3";

type Engine = BoxCloneSyncService<Request, Response, Infallible>;

/// An Engine.IO service behind the gate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    engine: Engine,
    path: &'static str,
    transports: Transports,
    pending: Caps<Network>,
    is_secure: bool,
}

#[derive(Deserialize)]
struct Opening {
    sid: String,
}

impl Gate {
    /// In front of a service that answers on this path.
    #[must_use]
    pub fn new<S, B>(engine: S, path: &'static str, transports: Transports, config: &Config) -> Self
    where
        S: Service<Request, Response = http::Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        let engine = engine.map_response(|answer: http::Response<B>| answer.map(Body::new));
        Self {
            engine: BoxCloneSyncService::new(engine),
            path,
            transports,
            pending: Caps::new(config.pending_per_address_max),
            is_secure: config.tls_cert.is_some(),
        }
    }

    /// The routes: the path itself and the path with a slash.
    pub fn router(&self) -> Router {
        let gate = self.clone();
        let handler = any(move |request: Request| gate.clone().handle(request));
        Router::new().route(self.path, handler.clone()).route(&format!("{}/", self.path), handler)
    }

    async fn handle(self, request: Request) -> Response {
        match request.uri().query().and_then(named) {
            None => self.open(request).await,
            Some(sid) => match sid.parse() {
                Ok(sid) => self.go_on(sid, request).await,
                Err(_) => unknown(),
            },
        }
    }

    async fn open(mut self, request: Request) -> Response {
        let is_websocket = request.headers().contains_key(header::UPGRADE);
        let network = network(&request);
        let shown = Shown::of(request.headers(), network);
        let Some(place) = self.pending.hold(network) else {
            limit_hit("pending_per_address");
            let detail = "too many sessions of this address have not shown a token yet";
            return refuse(Code::TooManyConnections, detail, &request);
        };
        let address = request.extensions().get::<ClientAddress>().map(|address| address.0);
        let session = Arc::new(Session::new(Owner::new(shown), address, place));
        session.note(&request);
        let answer = self.call(kept(request, Some(Arc::clone(&session)))).await;
        if is_websocket || answer.status() != StatusCode::OK {
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        let body = to_bytes(body, OPENING_BYTES_MAX).await.unwrap_or_default();
        if let Some(sid) = opened(&body) {
            self.transports.add(sid, &session);
            self.answer_first_ping(sid).await;
        }
        if let Some(cookie) = session.owner.set_cookie(self.is_secure) {
            parts.headers.insert(header::SET_COOKIE, cookie);
        }
        Response::from_parts(parts, Body::from(body))
    }

    async fn go_on(mut self, sid: Sid, request: Request) -> Response {
        let Some(session) = self.transports.find(sid) else { return unknown() };
        let is_websocket = request.headers().contains_key(header::UPGRADE);
        let shown = Shown::of(request.headers(), network(&request));
        if !session.owner.admits(&shown, !is_websocket) {
            return refuse(Code::SessionForeign, Code::SessionForeign.entry().cause, &request);
        }
        session.note(&request);
        let is_poll = *request.method() == Method::GET && !is_websocket;
        let is_lost = is_poll && session.is_asked_again(&request);
        drop(session);
        match *request.method() {
            Method::POST => match whole(request).await {
                Ok(request) => self.call(request).await,
                Err(refusal) => *refusal,
            },
            Method::GET if is_poll => {
                let poll = Poll { gate: self.clone(), sid, is_answered: false };
                // Dropped, it ends the session: the client comes back and resumes from its cursors.
                if is_lost { unknown() } else { poll.answer(request).await }
            }
            _ => self.call(kept(request, None)).await,
        }
    }

    /// Engine.IO pings at once; a client expects its first ping after an interval.
    async fn answer_first_ping(&mut self, sid: Sid) {
        self.call(self.request(sid, Method::GET, Body::empty())).await;
        self.call(self.request(sid, Method::POST, Body::from(PONG))).await;
    }

    async fn call(&mut self, request: Request) -> Response {
        match self.engine.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// A request of the gate's own.
    fn request(&self, sid: Sid, method: Method, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        // An id is letters, digits, `-` and `_`.
        let uri = format!("{}/?EIO=4&transport=polling&sid={sid}", self.path);
        *request.uri_mut() = uri.parse().unwrap_or_default();
        request
    }
}

/// A poll that waits. Dropped before it was answered, it ends its session.
struct Poll {
    gate: Gate,
    sid: Sid,
    is_answered: bool,
}

impl Poll {
    async fn answer(mut self, request: Request) -> Response {
        let answer = self.gate.call(request).await;
        self.is_answered = true;
        match self.gate.transports.find(self.sid) {
            Some(session) => polled(&session, answer).await,
            None => answer,
        }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        metrics::counter!("roomcast_edge_abandoned_polls_total").increment(1);
        self.gate.transports.remove(self.sid);
        let close = self.gate.request(self.sid, Method::POST, Body::from(CLOSE));
        let close = self.gate.engine.call(close);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(close);
        }
    }
}

/// The answer to a poll: makes room for what comes next, and its CONNECT replies say what the session's
/// greeting adds to them.
async fn polled(session: &Session, answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    // Engine.IO's bodies are in memory as they are, and bounded there.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    session.release(body.split(|byte| *byte == SEPARATOR).filter(|packet| is_ours(packet)).count());
    if !session.greeting.is_pending() {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(session.greeting.complete_all(&body)))
}

/// Whether a packet is an event or an acknowledgement, and not of Socket.IO's own.
fn is_ours(packet: &[u8]) -> bool {
    matches!(packet, [b'4', b'2' | b'3', ..])
}

/// A POST with its whole body, which is bounded in bytes, packets and time.
async fn whole(request: Request) -> Result<Request, Box<Response>> {
    let (parts, body) = request.into_parts();
    let refuse = |code, detail| Box::new(Problem::new(code, detail).traced(&trace(&parts.headers)));
    let body = match timeout(BODY_TIMEOUT, to_bytes(body, MESSAGE_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let detail = "the body is longer than a message may be, or was cut off";
            return Err(refuse(Code::PayloadTooLarge, detail));
        }
        Err(_) => return Err(refuse(Code::MalformedMessage, "the body did not arrive in time")),
    };
    if body.iter().filter(|byte| **byte == SEPARATOR).count() >= PACKETS_MAX {
        limit_hit("packets");
        return Err(refuse(Code::PayloadTooLarge, "the body holds too many packets"));
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn refuse(code: Code, detail: &str, request: &Request) -> Response {
    metrics::counter!("roomcast_edge_refusals_total", "code" => code.as_str()).increment(1);
    Problem::new(code, detail).traced(&trace(request.headers()))
}

fn trace(headers: &http::HeaderMap) -> TraceContext {
    TraceContext::from_headers(headers).child()
}

/// Engine.IO's own answer for a session that it does not know: clients begin anew.
fn unknown() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let body = r#"{"code":1,"message":"Session ID unknown"}"#;
    (StatusCode::BAD_REQUEST, json, body).into_response()
}

/// The listener names every request's client; without it all are strangers alike.
fn network(request: &Request) -> Network {
    let stranger = ClientAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    request.extensions().get().copied().unwrap_or(stranger).network()
}

fn named(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("sid="))
}

fn opened(body: &[u8]) -> Option<Sid> {
    let opening: Opening = serde_json::from_slice(body.strip_prefix(b"0")?).ok()?;
    opening.sid.parse().ok()
}
