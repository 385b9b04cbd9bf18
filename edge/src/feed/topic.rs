//! One topic's feed: its ring, its readers, its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roomcast_proto::v1::Event;
use tokio::{sync::watch, time::Instant};

use super::{
    page::Pages,
    reader::Closed,
    ring::{Arrival, Ring},
};
use crate::names::Encoded;

/// A topic of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tenant: String,
    pub(super) topic: String,
}

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) key: Key,
    pub(super) pages: Pages,
    state: Mutex<State>,
    /// Counts changes; readers wait on it.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) closed: Option<Closed>,
    readers: usize,
    left_at: Option<Instant>,
}

impl Feed {
    pub(super) fn new(key: Key, head: &str) -> Self {
        let state = State { ring: Ring::new(head), closed: None, readers: 0, left_at: None };
        let (changes, _) = watch::channel(0);
        Self { key, pages: Pages::default(), state: Mutex::new(state), changes }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn add_reader(&self) {
        let mut state = self.state();
        state.readers += 1;
        state.left_at = None;
    }

    /// Answers how many are left.
    pub(super) fn remove_reader(&self, now: Instant) -> usize {
        let mut state = self.state();
        state.readers = state.readers.saturating_sub(1);
        if state.readers == 0 {
            state.left_at = Some(now);
        }
        state.readers
    }

    /// When the last reader went; none while there is one.
    pub(super) fn left_at(&self) -> Option<Instant> {
        self.state().left_at
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed.is_some()
    }

    pub(super) fn head(&self) -> String {
        self.state().ring.head().to_owned()
    }

    /// Events arrived. Each is encoded here, once.
    pub(super) fn arrive(&self, events: &[Event]) {
        for event in events {
            let encoded = Arc::new(Encoded::new(event));
            let arrival = match self.state().ring.push(encoded) {
                Arrival::Appended => "appended",
                Arrival::Known => "known",
                Arrival::Skipped => "skipped",
                Arrival::Forked => "forked",
            };
            metrics::counter!("roomcast_edge_events_total", "arrival" => arrival).increment(1);
        }
        self.changed();
    }

    pub(super) fn rebase(&self, cursor: &str) {
        self.state().ring.rebase(cursor);
        self.changed();
    }

    pub(super) fn reset(&self, cursor: &str) {
        self.state().ring.reset(cursor);
        self.changed();
    }

    pub(super) fn close(&self, closed: Closed) {
        self.state().closed = Some(closed);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
