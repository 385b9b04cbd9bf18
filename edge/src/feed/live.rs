//! Those who are at a feed's head: what arrives is handed to them at once, by whoever took it in.
//!
//! A member is live or behind. It goes live under the feed's lock, and only where its place is exactly
//! the ring's head; it falls behind when its sink has no room, or when the history is not the one it
//! knows, and then its reader goes on from the last event that was taken. So whatever happens between
//! the two, each event reaches it once.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use crate::names::Encoded;

/// Where a live member's events go.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Whether it takes events at all.
    fn is_open(&self) -> bool;

    /// Takes as many of a topic's next events as it has room for, without waiting. Answers how many.
    fn offer(&self, topic: &str, events: &[Arc<Encoded>]) -> usize;
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

/// The live members of a feed. Copied when it changes while somebody goes through it, so that no lock
/// is held meanwhile.
#[derive(Debug, Default, Clone)]
pub(super) struct Members(Arc<Vec<Arc<Member>>>);

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
    fn offer(&self, topic: &str, events: &[Arc<Encoded>]) -> bool {
        let mut seat = self.seat();
        if !seat.is_live {
            return true;
        }
        let Some(first) = events.first() else { return true };
        // The ring lost some that this reader lacks: it finds them in the log.
        let follows = seat.offset.is_none_or(|offset| first.offset() == offset + 1);
        let taken = if follows { self.sink.offer(topic, events) } else { 0 };
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

impl Members {
    pub(super) fn add(&mut self, member: &Arc<Member>) {
        let members = Arc::make_mut(&mut self.0);
        member.position.store(members.len(), Ordering::Relaxed);
        members.push(Arc::clone(member));
    }

    /// Takes one out, if it is there.
    pub(super) fn remove(&mut self, member: &Arc<Member>) {
        let position = member.position.load(Ordering::Relaxed);
        if !self.0.get(position).is_some_and(|there| Arc::ptr_eq(there, member)) {
            return;
        }
        let members = Arc::make_mut(&mut self.0);
        members.swap_remove(position);
        if let Some(moved) = members.get(position) {
            moved.position.store(position, Ordering::Relaxed);
        }
    }

    /// All go back to pulling.
    pub(super) fn end(&mut self) {
        for member in std::mem::take(&mut self.0).iter() {
            member.fall_behind();
        }
    }

    /// Offers what arrived to each. Answers who did not take all of it: they are behind.
    pub(super) fn offer(&self, topic: &str, events: &[Arc<Encoded>]) -> Vec<Arc<Member>> {
        let mut fallen = Vec::new();
        for member in self.0.iter().filter(|member| !member.offer(topic, events)) {
            member.fall_behind();
            fallen.push(Arc::clone(member));
        }
        fallen
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests;
