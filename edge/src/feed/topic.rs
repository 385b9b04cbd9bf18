//! One topic's feed: its ring, its readers, its end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use roomcast_proto::v1::Event;
use roomcast_runtime::budget::Budget;
use tokio::sync::{Notify, watch};

use super::{
    delivery::Closed,
    lag,
    live::{Member, Members, Sink},
    place::Place,
    ring::{Arrival, Ring},
};
use crate::names::{Batch, Encoded};

/// A topic of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tenant: String,
    pub(super) topic: String,
}

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) key: Key,
    state: Mutex<State>,
    /// Counts changes; readers wait on it.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    pub(super) closed: Option<Closed>,
    live: Members,
    readers: usize,
}

impl Feed {
    pub(super) fn new(key: Key, head: &str, rings: &Budget) -> Self {
        let (ring, live) = (Ring::new(head, rings), Members::default());
        let state = State { ring, closed: None, live, readers: 0 };
        let (changes, _) = watch::channel(0);
        Self { key, state: Mutex::new(state), changes }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn add_reader(&self) {
        self.state().readers += 1;
    }

    /// Answers how many are left.
    pub(super) fn remove_reader(&self) -> usize {
        let mut state = self.state();
        state.readers = state.readers.saturating_sub(1);
        state.readers
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed.is_some()
    }

    pub(super) fn head(&self) -> String {
        self.state().ring.head().to_owned()
    }

    /// A reader that has everything gets what follows at once. None where it has not.
    /// `wake` is told when it falls behind.
    pub(super) fn go_live(
        &self,
        place: &Place,
        sink: &Arc<dyn Sink>,
        wake: &Arc<Notify>,
    ) -> Option<Arc<Member>> {
        let mut state = self.state();
        if state.closed.is_some() || !place.is_at_head(&state.ring) {
            return None;
        }
        let member = Arc::new(Member::new(Arc::clone(sink), place.offset(), Arc::clone(wake)));
        state.live.add(&member);
        Some(member)
    }

    pub(super) fn leave_live(&self, member: &Arc<Member>) {
        self.state().live.remove(member);
    }

    /// Events arrived, with one driver at a time. Each is encoded here, once; those who are live get
    /// them with no lock held but their own, and nobody is live while no right counts by itself.
    pub(super) fn arrive(&self, events: &[Event], rights_count: bool) {
        let encoded = events.iter().map(|event| Arc::new(Encoded::new(event))).collect();
        let (fresh, live) = self.append(encoded, rights_count);
        self.changed();
        if fresh.is_empty() || live.len() == 0 {
            return;
        }
        let batch = Batch::new(fresh);
        let fallen = live.offer(&self.key.topic, &batch);
        let taken = (live.len() - fallen.len()) * batch.events().len();
        metrics::counter!("roomcast_edge_deliveries_total", "path" => "live")
            .increment(taken as u64);
        if let Some(first) = batch.events().first().filter(|_| taken > 0) {
            lag::count(events, first.offset(), SystemTime::now());
        }
        if !fallen.is_empty() {
            let full = fallen.iter().filter(|member| member.is_open()).count();
            metrics::counter!("roomcast_edge_fallbacks_total").increment(full as u64);
            let mut state = self.state();
            fallen.iter().for_each(|member| state.live.remove(member));
        }
    }

    /// Puts what arrived into the ring. Answers what follows what was there, and who is live, as of one
    /// moment.
    fn append(
        &self,
        events: Vec<Arc<Encoded>>,
        rights_count: bool,
    ) -> (Vec<Arc<Encoded>>, Members) {
        let mut fresh = Vec::with_capacity(events.len());
        let mut state = self.state();
        if !rights_count {
            state.live.end();
        }
        for event in events {
            let arrival = match state.ring.push(Arc::clone(&event)) {
                Arrival::Appended => {
                    fresh.push(event);
                    "appended"
                }
                Arrival::Known => "known",
                // What is live lacks what was skipped, or has what is no more.
                Arrival::Skipped => {
                    state.live.end();
                    "skipped"
                }
                Arrival::Forked => {
                    state.live.end();
                    "forked"
                }
            };
            metrics::counter!("roomcast_edge_events_total", "arrival" => arrival).increment(1);
        }
        (fresh, state.live.clone())
    }

    pub(super) fn rebase(&self, cursor: &str) {
        {
            let mut state = self.state();
            if state.ring.head() != cursor {
                state.live.end();
            }
            state.ring.rebase(cursor);
        }
        self.changed();
    }

    pub(super) fn reset(&self, cursor: &str) {
        {
            let mut state = self.state();
            state.live.end();
            state.ring.reset(cursor);
        }
        self.changed();
    }

    pub(super) fn close(&self, closed: Closed) {
        {
            let mut state = self.state();
            state.closed = Some(closed);
            state.live.end();
        }
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
