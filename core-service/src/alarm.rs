//! Wakes the clockwork when a deadline comes up before the one it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::domain::time::Time;

/// The earliest deadline that is known of.
#[derive(Debug, Clone)]
pub struct Alarm {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    next: AtomicU64,
    earlier: Notify,
}

impl Default for Alarm {
    fn default() -> Alarm {
        let next = AtomicU64::new(u64::MAX);
        Alarm { inner: Arc::new(Inner { next, earlier: Notify::new() }) }
    }
}

impl Alarm {
    /// Says that something is due at `deadline`.
    pub fn set(&self, deadline: Time) {
        if self.inner.next.fetch_min(deadline.0, Ordering::AcqRel) > deadline.0 {
            self.inner.earlier.notify_one();
        }
    }

    /// Forgets what was set: the caller is about to look at the store.
    pub fn clear(&self) {
        self.inner.next.store(u64::MAX, Ordering::Release);
    }

    /// The earliest deadline set since the last [`Alarm::clear`].
    pub fn next(&self) -> Time {
        Time(self.inner.next.load(Ordering::Acquire))
    }

    /// Waits until an earlier deadline is set.
    pub async fn earlier(&self) {
        self.inner.earlier.notified().await;
    }
}
