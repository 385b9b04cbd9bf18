//! One lease, as the driver holds it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use roomcast_proto::v1::{CancelNotice, Lease};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::driver::Settled;
use super::ring::{Refused, Ring};
use super::work::Taken;

/// At 64 KiB a report at most 16 MiB, and at twenty reports a second longer than a core's restart.
pub(super) const REPORTS_MAX: usize = 256;

/// The wish that a job end.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) token: CancellationToken,
    pub(super) grace: OnceLock<Duration>,
}

/// A lease with its reports and the signals to whoever works on it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) ring: Ring<Option<Settled>>,
    pub(super) room: Arc<Semaphore>,
    pub(super) wish: Arc<Wish>,
    pub(super) lost: CancellationToken,
    /// Gone with the last clone of the work.
    pub(super) taken: Weak<Taken>,
    /// While it is set, the core does not want this lease's reports.
    pub(super) retry_at: Option<Instant>,
}

impl Held {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            ring: Ring::new(lease.clone()),
            lease,
            room: Arc::new(Semaphore::new(REPORTS_MAX)),
            wish: Arc::default(),
            lost: CancellationToken::new(),
            taken: Weak::new(),
            retry_at: None,
        }
    }

    /// Whether nobody works on it and all that was said of it is on record: nobody will end it.
    pub(super) fn is_left(&self) -> bool {
        self.taken.strong_count() == 0 && self.ring.is_empty()
    }

    /// Whether a report is there to be sent.
    pub(super) fn may_send(&self) -> bool {
        self.retry_at.is_none() && self.ring.has_unsent()
    }

    /// Everything that is not durable goes again.
    pub(super) fn rewind(&mut self) {
        self.retry_at = None;
        self.ring.rewind();
    }

    /// Somebody asks the job to end.
    pub(super) fn cancel(&self, notice: &CancelNotice) {
        if let Some(grace) = notice.grace.and_then(|grace| Duration::try_from(grace).ok()) {
            // Told again after a reconnect; the first grace is the one that counts down.
            let _ = self.wish.grace.set(grace);
        }
        self.wish.token.cancel();
    }

    /// Reports up to `number` are durable. Answers whether the attempt's end is among them.
    pub(super) fn settle(&mut self, number: u64) -> bool {
        let settled = self.ring.settle(number);
        self.room.add_permits(settled.len());
        let mut has_ended = false;
        for end in settled.into_iter().flatten() {
            has_ended = true;
            // Whoever waited may have gone.
            let _ = end.send(Ok(()));
        }
        has_ended
    }

    /// A report was not taken. Answers whether the same may be taken later.
    pub(super) fn refuse(&mut self, number: u64, fault: roomcast_proto::v1::Fault) -> bool {
        match self.ring.refuse(number, fault.retryable) {
            Refused::Stale => false,
            Refused::Later => true,
            Refused::Dropped(settled) => {
                self.room.add_permits(1);
                tracing::warn!(code = fault.code, number, "the core refused a report");
                if let Some(end) = settled {
                    let _ = end.send(Err(fault));
                }
                false
            }
        }
    }

    /// The lease is no longer ours. Dropping the ring tells those who wait for an end.
    pub(super) fn lose(self) {
        self.room.close();
        self.lost.cancel();
    }
}
