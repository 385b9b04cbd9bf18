//! How a socket is ended by the edge: its client is told why, and comes back by itself where it may.

use std::time::Duration;

use roomcast_proto::registry::Code;
use tokio::time::sleep;

use super::Connection;
use crate::{
    lane::KillReason,
    socket::{emit::Gone, payload::Closing},
    upstream::spread,
};

/// What a client is told to wait before it comes back from a shutdown.
const RETRY_AFTER_MS: u64 = 1000;
/// The farewell has this long to leave the socket's queue.
const FAREWELL_TIME: Duration = Duration::from_millis(250);
/// What a client is told whom an operator has disconnected.
const DISCONNECTED: &str = "disconnected";
/// What a client is told that has no use for its socket.
const IDLE: &str = "idle";

impl Connection {
    /// When the edge is going: each socket at a moment of its own within the window, and served until
    /// then, so that they do not all come back at once.
    pub(super) async fn farewell_time(&self) {
        self.state.draining.cancelled().await;
        sleep(spread(self.state.config.drain_window())).await;
    }

    /// Says so, and ends the transport: clients come back by themselves.
    pub(super) async fn farewell(&self) -> Result<(), Gone> {
        let closing = Closing { reason: Code::Draining.as_str(), retry_after_ms: RETRY_AFTER_MS };
        self.outlet.tell("closing", &closing).await?;
        sleep(FAREWELL_TIME).await;
        self.outlet.kill(KillReason::Draining);
        Ok(())
    }

    /// An operator wants this connection to end.
    pub(super) async fn dismiss(&self) -> Result<(), Gone> {
        self.close(DISCONNECTED, KillReason::Dismissed).await
    }

    /// Nobody has a use for the socket. Its client would come back at once from a lost connection, so
    /// it is disconnected: then it stays away until its application connects again.
    pub(super) async fn retire(&self) -> Result<(), Gone> {
        self.outlet.tell("closing", &Closing { reason: IDLE, retry_after_ms: 0 }).await?;
        if self.seat.as_ref().is_some_and(|seat| !seat.is_alone()) {
            // Its connection carries another socket.
            self.outlet.leave_namespace();
            return Err(Gone);
        }
        self.outlet.disconnect().await?;
        sleep(FAREWELL_TIME).await;
        self.outlet.kill(KillReason::Idle);
        Err(Gone)
    }

    pub(super) async fn close(&self, reason: &'static str, kill: KillReason) -> Result<(), Gone> {
        self.outlet.tell("closing", &Closing { reason, retry_after_ms: 0 }).await?;
        sleep(FAREWELL_TIME).await;
        self.outlet.kill(kill);
        Err(Gone)
    }
}
