//! Socket.IO for unmodified clients: namespaces `/` and `/graph`, path `/socket.io/`, WebSocket and
//! polling.
//!
//! Requests pass the [`gate`] first: whose session they speak for, and how many may be open. A socket's
//! life then: [`connect`] verifies its token before the CONNECT reply and hands it an inbox and
//! a [`Connection`]; [`inbound`] puts every message into the inbox in the order of arrival, inside the
//! connection's reading task; the connection takes them one by one and answers; each topic it joined
//! has a task that pulls from the feed ([`delivery`]) and writes through [`emit`], the only
//! place that writes to sockets.
//!
//! What never happens: a handler that overtakes another, an event dropped because a queue is full, a
//! socket that outlives its peer.

mod adapter;
mod admin;
mod allowance;
mod catalogue;
mod command;
mod connect;
mod connection;
mod delivery;
mod emit;
mod gate;
mod handshake;
mod idle;
mod inbound;
mod leaving;
mod owner;
mod payload;
mod recover;
mod refusal;
mod subscriptions;
mod transport;
mod vector;
mod view;

pub use adapter::{Adapters, RawAdapter};
pub use catalogue::description;
pub use connection::Connection;
pub use emit::{Gone, Outlet};
pub use gate::Gate;
pub use transport::Transports;

pub(crate) use command::probe as probe_command;
pub(crate) use owner::probe as probe_cookie;
pub(crate) use recover::probe as probe_recovery;

use std::time::Duration;

use axum::Router;
use socketioxide::{ParserConfig, SocketIo, SocketIoBuilder, handler::ConnectHandler as _};
use tokio::time::timeout;

use self::{gate::MESSAGE_BYTES_MAX, transport::Users};
use crate::{config::Switch, lane::Namespace, state::AppState};

/// Packets that wait for one WebSocket without a lane: who finds it full looks again within 50 ms, so
/// that a socket gets twenty thousand events a second. Those that poll have a bound of their own.
const QUEUE_PACKETS_MAX: usize = 1024;
/// What a WebSocket reads at once. It is kept for as long as the socket lives, and most of what clients
/// send fits.
const READ_BUFFER_BYTES: usize = 512;
/// Attachments of one packet: more are refused by the JavaScript client as well.
const ATTACHMENTS_MAX: usize = 10;
/// Attachments must be complete within this.
const ATTACHMENTS_TIMEOUT: Duration = Duration::from_secs(10);
/// Closing waits for every writer, and one whose peer is stalled may never answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// When sessions are looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two pings.
    pub ping_interval: Duration,
    /// A ping must be answered within this.
    pub ping_timeout: Duration,
    /// From the handshake to CONNECT: a session that is not authenticated holds memory.
    pub connect_timeout: Duration,
}

impl Default for Timing {
    /// Pings as all clients expect them: they give up after the sum of both.
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// A Socket.IO server with this edge's limits and adapters, and no namespace.
pub fn builder(timing: Timing, adapters: Adapters) -> SocketIoBuilder<RawAdapter> {
    SocketIo::builder()
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
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .connect_timeout(timing.connect_timeout)
        .ping_interval(timing.ping_interval)
        .ping_timeout(timing.ping_timeout)
        .with_adapter::<RawAdapter>(adapters)
}

/// The Socket.IO side of an edge.
#[derive(Clone)]
pub struct Sockets {
    io: SocketIo<RawAdapter>,
    gate: Gate,
}

impl Sockets {
    /// A server with its namespaces.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        let (adapters, transports) = (Adapters::default(), Transports::default());
        let config = std::sync::Arc::clone(&state.config);
        let users = Users::new(config.sockets_per_user_max);
        let watching = admin::Doorway::new(state.clone(), users.clone());
        let doorway = connect::Doorway {
            state,
            adapters: adapters.clone(),
            transports: transports.clone(),
            users,
        };
        // The router inside sees no request: only Socket.IO's own path is routed here.
        let (server, io) = builder(Timing::default(), adapters)
            .with_state(doorway)
            .with_state(watching)
            .build_with_inner_svc(Router::new());
        for namespace in Namespace::ALL {
            io.ns(namespace.name(), connect::connected.with(connect::authenticate));
        }
        if config.admin_ui == Switch::On {
            io.ns(admin::NAMESPACE, admin::connected.with(admin::authenticate));
        }
        let gate = Gate::new(server, "/socket.io", transports, &config);
        Self { io, gate }
    }

    /// The routes of Socket.IO.
    pub fn router(&self) -> Router {
        self.gate.router()
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
