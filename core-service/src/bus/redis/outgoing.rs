//! What waits to be told to other cores. It never holds up a commit: what does not fit is dropped, and
//! its loss is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::bus::weight;
use crate::domain::event::Linked;
use crate::domain::time::Time;

/// Events that wait: some hundred milliseconds of a busy core.
const EVENTS_MAX: usize = 16_384;
/// Bytes of their bodies, and of all small fields.
const BYTES_MAX: usize = 32 << 20;
/// Events of one message.
const MESSAGE_EVENTS_MAX: usize = 2048;
/// Bytes of one message, but for an event that is larger: others' messages wait behind it.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// What this core tells. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outgoing(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    is_open: bool,
    events: VecDeque<Linked>,
    bytes: usize,
    deadline: Option<Time>,
    has_lost: bool,
}

/// What goes into one message.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Load {
    /// In commit order.
    pub(super) events: Vec<Linked>,
    pub(super) deadline: Option<Time>,
    /// Whether something was dropped before it.
    pub(super) has_lost: bool,
}

impl Outgoing {
    /// Tells of commits. Called on the thread that commits: never waits.
    pub fn events(&self, events: &[Linked]) {
        let mut waiting = self.waiting();
        let bytes: usize = events.iter().map(|linked| weight(&linked.event)).sum();
        let fits =
            waiting.events.len() + events.len() <= EVENTS_MAX && waiting.bytes + bytes <= BYTES_MAX;
        if !waiting.is_open || !fits {
            let count = waiting.events.len() + events.len();
            metrics::counter!("roomcast_bus_dropped_events_total").increment(count as u64);
            waiting.drop_all();
            return;
        }
        waiting.bytes += bytes;
        waiting.events.extend(events.iter().cloned());
        drop(waiting);
        self.0.news.notify_one();
    }

    /// Tells of a deadline that the leader may not know of.
    pub fn deadline(&self, deadline: Time) {
        let mut waiting = self.waiting();
        if !waiting.is_open {
            return;
        }
        waiting.deadline = Some(waiting.deadline.map_or(deadline, |other| other.min(deadline)));
        drop(waiting);
        self.0.news.notify_one();
    }

    /// From here on what is told is kept, or it is not: nobody would hear it.
    pub(super) fn set_open(&self, is_open: bool) {
        let mut waiting = self.waiting();
        waiting.drop_all();
        waiting.is_open = is_open;
    }

    /// What waits, once something does. Dropping the future loses nothing.
    pub(super) async fn load(&self) -> Load {
        loop {
            let news = self.0.news.notified();
            let load = self.waiting().load();
            if load != Load::default() {
                return load;
            }
            news.await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn drop_all(&mut self) {
        self.events.clear();
        (self.bytes, self.deadline, self.has_lost) = (0, None, true);
    }

    fn load(&mut self) -> Load {
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(Linked { event, .. }) = self.events.front() {
            bytes += weight(event);
            let is_full = events.len() == MESSAGE_EVENTS_MAX || bytes > MESSAGE_BYTES_MAX;
            if is_full && !events.is_empty() {
                break;
            }
            self.bytes -= weight(event);
            events.extend(self.events.pop_front());
        }
        let (deadline, has_lost) = (self.deadline.take(), std::mem::take(&mut self.has_lost));
        Load { events, deadline, has_lost }
    }
}

#[cfg(test)]
mod tests;
