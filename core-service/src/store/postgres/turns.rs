//! Who of this process's lanes is at which topics: one lane commits a topic's events and taps them
//! before another begins, so that they are heard in order. The database's locks keep other processes
//! out.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::domain::topic::TopicSet;

/// The topics that lanes are at, for each lane together.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Mutex<Vec<Arc<TopicSet>>>,
    freed: Condvar,
}

/// Some topics, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    topics: Arc<TopicSet>,
}

impl Turns {
    /// Waits until nobody is at any of the topics, then takes all of them at once: nobody ever waits
    /// for more while holding some.
    pub(super) fn take(turns: &Arc<Turns>, topics: &Arc<TopicSet>) -> Turn {
        let topics = Arc::clone(topics);
        let taken = turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_busy = |taken: &mut Vec<Arc<TopicSet>>| {
            taken.iter().any(|others| !others.is_disjoint(&topics))
        };
        let mut taken =
            turns.freed.wait_while(taken, is_busy).unwrap_or_else(PoisonError::into_inner);
        taken.push(Arc::clone(&topics));
        drop(taken);
        Turn { turns: Arc::clone(turns), topics }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|others| !Arc::ptr_eq(others, &self.topics));
        drop(taken);
        self.turns.freed.notify_all();
    }
}
