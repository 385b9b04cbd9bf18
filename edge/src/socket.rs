//! Socket.IO for unmodified clients: namespace `/`, path `/socket.io/`, WebSocket and polling.
//!
//! A socket's life: [`connect`] verifies its token before the CONNECT reply and hands it an inbox and
//! a [`Connection`]; [`inbound`] puts every message into the inbox in the order of arrival, inside the
//! connection's reading task; the connection takes them one by one and answers; each topic it joined
//! has a task that pulls from the feed (`crate::delivery`) and writes through [`emit`], the only
//! place that writes to sockets.
//!
//! What never happens: a handler that overtakes another, an event dropped because a queue is full, a
//! socket that outlives its peer.

mod adapter;
mod command;
mod connect;
mod connection;
mod emit;
mod inbound;
mod payload;
mod registry;
mod subscriptions;
mod transport;

pub use connection::Connection;
pub use emit::{Gone, Outlet};
pub use registry::{ConnectionInfo, Connections};

use std::time::Duration;

use axum::{Router, body::Body, extract::Request, response::Response, routing::any};
use socketioxide::{
    ParserConfig, SocketIo, handler::ConnectHandler as _, service::SocketIoService,
};
use tokio::time::timeout;
use tower::Service as _;

use self::{
    adapter::{RawAdapter, Slot},
    connect::{authenticate, connected},
    transport::Transports,
};
use crate::app::AppState;

/// Packets that wait for one socket. A replay is written in bursts; blocks are allocated as needed.
const QUEUE_PACKETS_MAX: usize = 2048;
/// Bytes of one message, on every transport: what Node's server takes by default.
const MESSAGE_BYTES_MAX: usize = 1_000_000;
/// Attachments of one packet: more are refused by the JavaScript client as well.
const ATTACHMENTS_MAX: usize = 10;
/// Attachments must be complete within this.
const ATTACHMENTS_TIMEOUT: Duration = Duration::from_secs(10);
/// From the handshake to CONNECT: a session that is not authenticated holds memory.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The defaults of every client: they give up after the sum of both.
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Closing waits for every writer, and one whose peer is stalled may never answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The router inside sees no request: only Socket.IO's own path is routed here.
type Server = SocketIoService<Router, RawAdapter>;

/// The Socket.IO side of an edge.
#[derive(Clone)]
pub struct Sockets {
    io: SocketIo<RawAdapter>,
    server: Server,
    transports: Transports,
}

impl Sockets {
    /// A server with its namespace.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        let slot = Slot::default();
        let transports = Transports::default();
        let (server, io) = SocketIo::builder()
            .with_parser(
                ParserConfig::common()
                    .max_incoming_binaries(ATTACHMENTS_MAX)
                    .max_incoming_binary_buf_size(MESSAGE_BYTES_MAX)
                    .packet_completion_timeout(ATTACHMENTS_TIMEOUT),
            )
            .max_buffer_size(QUEUE_PACKETS_MAX)
            .max_payload(MESSAGE_BYTES_MAX as u64)
            .ws_max_message_size(MESSAGE_BYTES_MAX)
            .ws_max_frame_size(MESSAGE_BYTES_MAX)
            .connect_timeout(CONNECT_TIMEOUT)
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
            .with_state(state)
            .with_state(slot.clone())
            .with_state(transports.clone())
            .with_adapter::<RawAdapter>(slot)
            .build_with_inner_svc(Router::new());
        io.ns("/", connected.with(authenticate));
        Self { io, server, transports }
    }

    /// The routes of Socket.IO.
    pub fn router(&self) -> Router {
        let sockets = self.clone();
        let handler = any(move |request: Request| {
            let sockets = sockets.clone();
            async move { sockets.handle(request).await }
        });
        Router::new().route("/socket.io/", handler.clone()).route("/socket.io", handler)
    }

    async fn handle(mut self, request: Request) -> Response {
        if let Err(refusal) = self.transports.admit(&request) {
            return *refusal;
        }
        match self.server.call(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    /// Closes what is left of all sockets.
    pub async fn close(&self) {
        if timeout(CLOSE_TIMEOUT, self.io.close()).await.is_err() {
            tracing::warn!("some sockets did not close in time");
        }
    }
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sockets").finish_non_exhaustive()
    }
}
