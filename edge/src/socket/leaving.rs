//! How a socket leaves its namespace: noted at once, in the connection's reading task.
//!
//! A handler that is a function runs as a task of its own, and the library takes the socket out of the
//! namespace only after that. A client that leaves and comes in again in one breath would still be
//! found there, and its CONNECT be ignored for good.

use std::sync::Arc;

use socketioxide::{
    handler::DisconnectHandler,
    socket::{DisconnectReason, Socket},
};
use tokio_util::sync::CancellationToken;

use super::{adapter::RawAdapter, emit::Outlet};

/// What is done when a socket has left.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) outlet: Outlet,
    pub(super) gone: CancellationToken,
}

impl DisconnectHandler<RawAdapter, ()> for Leaving {
    fn call_with_defer(
        &self,
        socket: Arc<Socket<RawAdapter>>,
        reason: DisconnectReason,
        take_out: fn(Arc<Socket<RawAdapter>>),
    ) {
        metrics::counter!("roomcast_edge_disconnects_total", "reason" => word(reason)).increment(1);
        // Who comes in after it is another socket, on the same connection.
        self.outlet.shut();
        self.gone.cancel();
        take_out(socket);
    }
}

fn word(reason: DisconnectReason) -> &'static str {
    match reason {
        DisconnectReason::TransportClose => "transport_close",
        DisconnectReason::MultipleHttpPollingError => "multiple_polling",
        DisconnectReason::PacketParsingError => "packet_parsing",
        DisconnectReason::TransportError => "transport_error",
        DisconnectReason::HeartbeatTimeout => "heartbeat_timeout",
        DisconnectReason::ClientNSDisconnect => "client",
        DisconnectReason::ServerNSDisconnect => "server",
        DisconnectReason::ClosingServer => "closing_server",
    }
}
