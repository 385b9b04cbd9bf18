//! The newest events of one topic, without a hole, and how far its log is known to reach. Whatever is
//! offered, in whatever order and however often, a follower gets from here what comes next, or is sent
//! to the log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::weight;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::Event;
use crate::domain::subscription::Taken;

/// Events a tail keeps. A follower further behind reads the log.
const TAIL_EVENTS_MAX: usize = 1024;
/// Bytes of bodies a tail keeps.
const TAIL_BYTES_MAX: usize = 1 << 20;
/// Events that wait for one before them: what two cores commit while a message is on its way.
const EARLY_EVENTS_MAX: usize = 256;
/// Bytes of bodies that wait so.
const EARLY_BYTES_MAX: usize = TAIL_BYTES_MAX;

/// A topic's tail.
#[derive(Debug, Default)]
pub(super) struct Tail {
    ring: Mutex<Ring>,
    stand: watch::Sender<Stand>,
}

/// What followers wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stand {
    /// How far the log reaches.
    pub(super) head: u64,
    /// How often the log turned out to be another one.
    pub(super) rewinds: u64,
}

#[derive(Debug, Default)]
struct Ring {
    /// In order; the last one is at the head, or there are none.
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// Where the log is known to reach; the start when nothing is known.
    head: Cursor,
    /// Events beyond a hole.
    early: BTreeMap<u64, Arc<Event>>,
    early_bytes: usize,
}

impl Tail {
    /// Takes in committed events. Says whether some of them wait for others.
    pub(super) fn offer(&self, events: &[Arc<Event>]) -> bool {
        let mut ring = self.ring();
        for event in events {
            ring.push(event);
        }
        self.tell(&ring);
        !ring.early.is_empty()
    }

    /// Waits no longer for what has not come: followers find themselves behind and read the log.
    pub(super) fn jump(&self) {
        let mut ring = self.ring();
        ring.jump();
        self.tell(&ring);
    }

    /// Takes in where the log stood after it was known to stand at `known`.
    pub(super) fn settle(&self, known: Cursor, head: Cursor, resume: Resume) {
        let mut ring = self.ring();
        match resume {
            Resume::Whole | Resume::Trimmed if head.offset <= ring.head.offset => return,
            Resume::Whole | Resume::Trimmed => ring.reach(head),
            // Of another history than what was offered since.
            Resume::Forked | Resume::Ahead if ring.head.offset >= known.offset => {
                *ring = Ring { head, ..Ring::default() };
                // Together: whoever saw the one without the other would wait for what was lost.
                self.stand.send_modify(|stand| {
                    *stand = Stand { head: head.offset, rewinds: stand.rewinds + 1 };
                });
            }
            Resume::Forked | Resume::Ahead => return,
        }
        self.tell(&ring);
    }

    pub(super) fn head(&self) -> Cursor {
        self.ring().head
    }

    pub(super) fn take(&self, after: u64, max: usize) -> Taken {
        self.ring().take(after, max)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Stand> {
        self.stand.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, ring: &Ring) {
        self.stand.send_if_modified(|stand| {
            let head = std::mem::replace(&mut stand.head, ring.head.offset);
            head != stand.head
        });
    }
}

impl Ring {
    fn push(&mut self, event: &Arc<Event>) {
        let (offset, head) = (event.cursor.offset, self.head.offset);
        // A tail that knows nothing begins anywhere.
        if head != 0 && offset <= head {
            return;
        }
        if head != 0 && offset > head + 1 {
            self.hold(event);
            return;
        }
        self.append(event.clone());
        while let Some(next) =
            self.early.first_entry().filter(|one| *one.key() <= self.head.offset + 1)
        {
            let next = next.remove();
            self.early_bytes -= weight(&next);
            if next.cursor.offset > self.head.offset {
                self.append(next);
            }
        }
    }

    fn append(&mut self, event: Arc<Event>) {
        self.head = event.cursor;
        self.bytes += weight(&event);
        self.events.push_back(event);
        while self.events.len() > TAIL_EVENTS_MAX || self.bytes > TAIL_BYTES_MAX {
            match self.events.pop_front() {
                Some(event) => self.bytes -= weight(&event),
                None => break,
            }
        }
    }

    fn hold(&mut self, event: &Arc<Event>) {
        if self.early.insert(event.cursor.offset, event.clone()).is_none() {
            self.early_bytes += weight(event);
        }
        if self.early.len() > EARLY_EVENTS_MAX || self.early_bytes > EARLY_BYTES_MAX {
            self.jump();
        }
    }

    fn jump(&mut self) {
        self.early_bytes = 0;
        for (offset, event) in std::mem::take(&mut self.early) {
            if offset > self.head.offset + 1 {
                self.clear();
            }
            if offset > self.head.offset {
                self.append(event);
            }
        }
    }

    /// The log reaches further than what was offered.
    fn reach(&mut self, head: Cursor) {
        self.clear();
        self.head = head;
        self.early.retain(|offset, _| *offset > head.offset);
        self.early_bytes = self.early.values().map(|event| weight(event)).sum();
        self.jump();
    }

    fn clear(&mut self) {
        self.events.clear();
        self.bytes = 0;
    }

    fn take(&self, after: u64, max: usize) -> Taken {
        if self.head.offset <= after {
            return Taken::Nothing;
        }
        match self.events.front() {
            Some(first) if first.cursor.offset <= after + 1 => {
                let skip = usize::try_from(after + 1 - first.cursor.offset).unwrap_or(usize::MAX);
                Taken::Events(self.events.iter().skip(skip).take(max).cloned().collect())
            }
            Some(_) | None => Taken::Behind,
        }
    }
}

#[cfg(test)]
mod tests;
