//! One lease, as the driver holds it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use roomcast_proto::v1::{CancelNotice, Fault, Job, Lease};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::order::Waiting;
use super::ring::{Refused, Ring};

/// Room for the reports of one lease: one place each, at twenty a second longer than a core's restart.
const PLACES: usize = 256;
/// A larger report takes a place for each of these that it has begun: all together at most 16 MiB.
const PLACE_BYTES: usize = 64 << 10;

/// The wish that a job end.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) token: CancellationToken,
    pub(super) grace: OnceLock<Duration>,
}

/// A job for as long as somebody works on it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) job: Job,
    let_go: Arc<Notify>,
}

/// A lease with its reports and the signals to whoever works on it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) ring: Ring<Kept>,
    pub(super) room: Arc<Semaphore>,
    pub(super) wish: Arc<Wish>,
    pub(super) lost: CancellationToken,
    /// Gone with the last clone of the work.
    pub(super) taken: Weak<Taken>,
    /// While it is set, the core does not want this lease's reports.
    pub(super) retry_at: Option<Instant>,
    /// The first report since the last flush that was not taken.
    refusal: Option<Fault>,
}

/// What is kept with a report.
#[derive(Debug)]
pub(super) struct Kept {
    /// To be given back to the lease's room.
    pub(super) places: u32,
    pub(super) waiting: Waiting,
}

/// How many places of its lease's room a report of this size takes.
pub(super) fn places(bytes: usize) -> u32 {
    u32::try_from(bytes / PLACE_BYTES + 1).unwrap_or(u32::MAX)
}

impl Taken {
    /// `let_go` is told when nobody does any more.
    pub(super) fn new(job: Job, let_go: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { job, let_go })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.let_go.notify_one();
    }
}

impl Held {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            ring: Ring::new(lease.clone()),
            lease,
            room: Arc::new(Semaphore::new(PLACES)),
            wish: Arc::default(),
            lost: CancellationToken::new(),
            taken: Weak::new(),
            retry_at: None,
            refusal: None,
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
        let mut has_ended = false;
        for Kept { places, waiting } in self.ring.settle(number) {
            self.room.add_permits(places as usize);
            // Whoever waited may have gone.
            match waiting {
                Waiting::Nobody => {}
                Waiting::Flush(flush) => {
                    let _ = flush.send(self.refusal.take().map_or(Ok(()), Err));
                }
                Waiting::End(end) => {
                    has_ended = true;
                    // Whatever is said after it is heard by nobody.
                    self.room.close();
                    let _ = end.send(Ok(()));
                }
            }
        }
        has_ended
    }

    /// A report was not taken. Answers whether the same may be taken later.
    pub(super) fn refuse(&mut self, number: u64, fault: Fault) -> bool {
        match self.ring.refuse(number, fault.retryable) {
            Refused::Stale => false,
            Refused::Later => true,
            Refused::Dropped(Kept { places, waiting }) => {
                self.room.add_permits(places as usize);
                tracing::warn!(code = fault.code, number, "the core refused a report");
                match waiting {
                    Waiting::Nobody => self.remember(fault),
                    Waiting::Flush(told) | Waiting::End(told) => {
                        let _ = told.send(Err(fault));
                    }
                }
                false
            }
        }
    }

    /// A report was not taken, and nobody waits for that one.
    pub(super) fn remember(&mut self, fault: Fault) {
        self.refusal.get_or_insert(fault);
    }

    /// The lease is no longer ours. Dropping the ring tells those who wait for an end.
    pub(super) fn lose(self) {
        self.room.close();
        self.lost.cancel();
    }
}
