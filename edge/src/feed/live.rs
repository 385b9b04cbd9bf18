//! Those who are at a feed's head: what arrives is handed to them at once, by whoever took it in.
//!
//! A member is live or behind. It goes live under the feed's lock, and only where its place is exactly
//! the ring's head; it falls behind when its sink has no room, or when the history is not the one it
//! knows, and then its reader goes on from the last event that was taken. So whatever happens between
//! the two, each event reaches it once.

mod members;

pub(super) use members::Members;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
};

use tokio::sync::Notify;

use crate::names::{Batch, Encoded};

/// Where a live member's events go.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Whether it takes events at all.
    fn is_open(&self) -> bool;

    /// Takes as many of a topic's next events as it has room for, without waiting. Answers how many.
    fn offer(&self, topic: &str, events: &[Arc<Encoded>]) -> usize;

    /// As [`Sink::offer`], of what others are offered as well.
    fn offer_batch(&self, topic: &str, batch: &Batch) -> usize;
}

/// One reader's seat among the live. Whoever fell behind comes back with another.
#[derive(Debug)]
pub(super) struct Member {
    sink: Arc<dyn Sink>,
    seat: Mutex<Seat>,
    /// Told when it falls behind.
    wake: Arc<Notify>,
    /// Its position in [`Members`], under the feed's lock.
    position: AtomicUsize,
}

#[derive(Debug)]
struct Seat {
    is_live: bool,
    /// The last event that was taken; none if none was since it went live.
    last: Option<Arc<Encoded>>,
    /// Offset of the last event the reader has, where it is known.
    offset: Option<u64>,
}

impl Member {
    pub(super) fn new(sink: Arc<dyn Sink>, offset: Option<u64>, wake: Arc<Notify>) -> Self {
        Self {
            sink,
            seat: Mutex::new(Seat { is_live: true, last: None, offset }),
            wake,
            position: AtomicUsize::new(0),
        }
    }

    /// Waits until it is live no more.
    pub(super) async fn fell_behind(&self) {
        while self.is_live() {
            self.wake.notified().await;
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.seat().is_live
    }

    /// Whether its sink takes events at all. One that does not falls behind at each.
    pub(super) fn is_open(&self) -> bool {
        self.sink.is_open()
    }

    /// Ends its being live. When this returns nothing more is offered to its sink; the answer is the
    /// last event that was taken.
    pub(super) fn leave(&self) -> Option<Arc<Encoded>> {
        let mut seat = self.seat();
        seat.is_live = false;
        seat.last.take()
    }

    /// Offers what arrived. Answers whether it keeps up.
    fn offer(&self, topic: &str, batch: &Batch) -> bool {
        let mut seat = self.seat();
        if !seat.is_live {
            return true;
        }
        let events = batch.events();
        let Some(first) = events.first() else { return true };
        // The ring lost some that this reader lacks: it finds them in the log.
        let follows = seat.offset.is_none_or(|offset| first.offset() == offset + 1);
        let taken = if follows { self.sink.offer_batch(topic, batch) } else { 0 };
        if let Some(last) = taken.checked_sub(1).and_then(|last| events.get(last)) {
            seat.offset = Some(last.offset());
            seat.last = Some(Arc::clone(last));
        }
        seat.is_live = taken == events.len();
        seat.is_live
    }

    /// Its reader is woken to go on by itself.
    fn fall_behind(&self) {
        self.seat().is_live = false;
        self.wake.notify_one();
    }

    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
