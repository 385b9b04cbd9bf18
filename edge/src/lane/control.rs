//! The switch that ends one connection from outside.

use std::{sync::OnceLock, task::Waker};

use futures::task::AtomicWaker;

/// Why a connection is ended by the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillReason {
    /// Events waited for it and it took none.
    SlowConsumer,
    /// It took no byte of an answer for too long.
    Stalled,
    /// The edge is shutting down.
    Draining,
    /// Its user may not stay.
    Refused,
    /// An operator ended it.
    Dismissed,
    /// Its peer wrote far more than it may.
    Flooding,
    /// It was in no topic, and its client said nothing.
    Idle,
}

impl KillReason {
    /// Whether the client was told why, before its connection was ended.
    #[must_use]
    pub fn is_told(self) -> bool {
        match self {
            Self::Draining | Self::Refused | Self::Dismissed | Self::Idle => true,
            Self::SlowConsumer | Self::Stalled | Self::Flooding => false,
        }
    }

    /// The word for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlowConsumer => "slow_consumer",
            Self::Stalled => "stalled",
            Self::Draining => "draining",
            Self::Refused => "refused",
            Self::Dismissed => "dismissed",
            Self::Flooding => "flooding",
            Self::Idle => "idle",
        }
    }
}

/// Ends one TCP connection whatever its owner is waiting for: a queue that is full takes no farewell.
#[derive(Debug, Default)]
pub(super) struct Control {
    killed: OnceLock<KillReason>,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Control {
    /// Ends the connection: its next read and write fail. Answers whether it stood until then.
    pub(super) fn kill(&self, reason: KillReason) -> bool {
        if self.killed.set(reason).is_err() {
            return false;
        }
        metrics::counter!("roomcast_edge_kills_total", "reason" => reason.as_str()).increment(1);
        self.reader.wake();
        self.writer.wake();
        true
    }

    /// Why it was ended, if it was.
    pub(super) fn killed(&self) -> Option<KillReason> {
        self.killed.get().copied()
    }

    /// Registers before it looks, so that a kill in between is not missed.
    pub(super) fn is_killed_for_reader(&self, waker: &Waker) -> bool {
        self.reader.register(waker);
        self.killed.get().is_some()
    }

    pub(super) fn is_killed_for_writer(&self, waker: &Waker) -> bool {
        self.writer.register(waker);
        self.killed.get().is_some()
    }

    /// There is room for what the writer holds.
    pub(super) fn wake_writer(&self) {
        self.writer.wake();
    }
}
