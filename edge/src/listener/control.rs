//! The switch that ends one connection from outside.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
};

use futures::task::AtomicWaker;

/// Why a connection is ended by the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillReason {
    /// Its queue was full and did not move.
    SlowConsumer,
    /// Its peer took no byte for too long.
    Stalled,
    /// The edge is shutting down.
    Draining,
}

impl KillReason {
    /// The word for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlowConsumer => "slow_consumer",
            Self::Stalled => "stalled",
            Self::Draining => "draining",
        }
    }
}

/// Ends one TCP connection whatever its owner is waiting for: a queue that is full takes no farewell.
#[derive(Debug, Default)]
pub struct Control {
    is_killed: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Control {
    /// Ends the connection: its next read and write fail.
    pub fn kill(&self, reason: KillReason) {
        if self.is_killed.swap(true, Ordering::AcqRel) {
            return;
        }
        metrics::counter!("roomcast_edge_kills_total", "reason" => reason.as_str()).increment(1);
        self.reader.wake();
        self.writer.wake();
    }

    /// Registers before it looks, so that a kill in between is not missed.
    pub(super) fn is_killed_for_reader(&self, waker: &Waker) -> bool {
        self.reader.register(waker);
        self.is_killed.load(Ordering::Acquire)
    }

    pub(super) fn is_killed_for_writer(&self, waker: &Waker) -> bool {
        self.writer.register(waker);
        self.is_killed.load(Ordering::Acquire)
    }
}
