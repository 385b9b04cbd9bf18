//! The newest events of one topic, without a hole, and how far its log is known to reach. Whatever is
//! offered, in whatever order and however often, a follower gets from here what comes next, or is sent
//! to the log.
//!
//! A database that fails over may go on without its last events, and give their offsets to others. So an
//! event is taken in only where it names the one before it as the tail has it; else either may be of a
//! lost history, and which one it is the log tells.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roomcast_runtime::budget::{Budget, Share};
use tokio::sync::watch;

use super::weight;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Event, Linked};
use crate::domain::subscription::Taken;

/// Events a tail keeps. A follower further behind reads the log.
const TAIL_EVENTS_MAX: usize = 1024;
/// Bytes of bodies a tail keeps.
const TAIL_BYTES_MAX: usize = 1 << 20;
/// Events that wait for one before them: what two cores commit while a message is on its way.
const EARLY_EVENTS_MAX: usize = 256;
/// Bytes of bodies that wait so.
const EARLY_BYTES_MAX: usize = TAIL_BYTES_MAX;

/// Bytes of bodies that all tails keep together: some hundred busy topics. Those of further ones keep nothing
/// while there is no room, and their followers read the log.
pub(super) const TAILS_BYTES_MAX: usize = 256 << 20;

/// A topic's tail.
#[derive(Debug)]
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

#[derive(Debug)]
struct Ring {
    /// In order; the last one is at the head, or there are none.
    events: VecDeque<Arc<Event>>,
    /// The stamp of the one before the first, where that is known.
    before: Option<u32>,
    bytes: Share,
    /// Where the log is known to reach; the start when nothing is known.
    head: Cursor,
    /// As far as followers have read the log, where that is beyond what has come here.
    read: Cursor,
    /// Events beyond a hole.
    early: BTreeMap<u64, Linked>,
    early_bytes: Share,
    /// How often the log turned out to be another one.
    rewinds: u64,
}

impl Tail {
    /// One of those that keep no more together than the budget allows.
    pub(super) fn new(budget: &Budget) -> Tail {
        Tail { ring: Mutex::new(Ring::new(budget)), stand: watch::Sender::default() }
    }

    /// Takes in committed events. Says whether some of them wait for others.
    pub(super) fn offer(&self, events: &[Linked]) -> bool {
        let mut ring = self.ring();
        for linked in events {
            ring.push(linked);
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

    /// Lets go of the older half: what is not told any more goes in the end, and others find room.
    pub(super) fn halve(&self) {
        let mut ring = self.ring();
        let left = ring.events.len() / 2;
        while ring.events.len() > left {
            ring.drop_oldest();
        }
        ring.events.shrink_to_fit();
    }

    /// Takes in where the log stood after it was known to stand at `known`.
    pub(super) fn settle(&self, known: Cursor, head: Cursor, resume: Resume) {
        let mut ring = self.ring();
        match resume {
            Resume::Whole | Resume::Trimmed if head.offset <= ring.head.offset => return,
            Resume::Whole | Resume::Trimmed => ring.reach(head),
            // Of another history than what was offered since.
            Resume::Forked | Resume::Ahead if ring.known().offset >= known.offset => {
                ring.rewind(head);
            }
            Resume::Forked | Resume::Ahead => return,
        }
        self.tell(&ring);
    }

    /// As far as the log is known to whoever is here.
    pub(super) fn known(&self) -> Cursor {
        self.ring().known()
    }

    /// A follower has read the log when it reached to here.
    pub(super) fn note(&self, head: Cursor) {
        let mut ring = self.ring();
        if head.offset > ring.known().offset {
            ring.read = head;
        }
    }

    pub(super) fn take(&self, after: Cursor, max: usize) -> Taken {
        self.ring().take(after, max)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Stand> {
        self.stand.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, ring: &Ring) {
        // Together: whoever saw the one without the other would wait for what was lost.
        let stand = Stand { head: ring.head.offset, rewinds: ring.rewinds };
        self.stand.send_if_modified(|told| std::mem::replace(told, stand) != stand);
    }
}

impl Ring {
    fn new(budget: &Budget) -> Ring {
        Ring {
            events: VecDeque::new(),
            before: None,
            bytes: budget.share(),
            head: Cursor::START,
            read: Cursor::START,
            early: BTreeMap::new(),
            early_bytes: budget.share(),
            rewinds: 0,
        }
    }

    /// Takes in an event, and what has waited for it.
    fn push(&mut self, linked: &Linked) {
        self.place(linked);
        while let Some(next) =
            self.early.first_entry().filter(|one| *one.key() <= self.head.offset + 1)
        {
            let next = next.remove();
            self.early_bytes.give_back(weight(&next.event));
            self.place(&next);
        }
    }

    fn place(&mut self, linked: &Linked) {
        let Cursor { offset, stamp } = linked.event.cursor;
        let head = self.head;
        if self.is_read_otherwise(linked) {
            self.fork(linked);
        } else if head.offset == 0 {
            // A tail that knows nothing begins anywhere.
            self.begin(linked);
        } else if offset > head.offset + 1 {
            self.hold(linked);
        } else if offset == head.offset + 1 {
            match linked.follows(head) {
                Some(true) => self.append(Arc::clone(&linked.event)),
                Some(false) => self.fork(linked),
                // Whoever is here cannot be shown that it comes next.
                None => self.begin(linked),
            }
        } else if self.stamp_at(offset).is_some_and(|there| there != stamp) {
            self.fork(linked);
        }
    }

    fn append(&mut self, event: Arc<Event>) {
        if self.events.is_empty() {
            self.before = Some(self.head.stamp);
        }
        self.head = event.cursor;
        self.bytes.add(weight(&event));
        self.events.push_back(event);
        while !self.events.is_empty() && self.holds_too_much() {
            self.drop_oldest();
        }
    }

    fn holds_too_much(&self) -> bool {
        let is_long = self.events.len() > TAIL_EVENTS_MAX || self.bytes.bytes() > TAIL_BYTES_MAX;
        is_long || self.bytes.is_exceeded()
    }

    fn drop_oldest(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes.give_back(weight(&event));
            self.before = Some(event.cursor.stamp);
        }
    }

    /// Begins anew with an event: what is before it the log has.
    fn begin(&mut self, linked: &Linked) {
        self.clear();
        self.append(Arc::clone(&linked.event));
        self.before = linked.before;
    }

    /// An event and what is here are of two histories.
    fn fork(&mut self, linked: &Linked) {
        self.rewind(Cursor::START);
        self.begin(linked);
    }

    /// The log is another one than was known.
    fn rewind(&mut self, head: Cursor) {
        self.clear();
        self.early.clear();
        self.early_bytes.clear();
        (self.before, self.head, self.read) = (None, head, Cursor::START);
        self.rewinds += 1;
    }

    fn hold(&mut self, linked: &Linked) {
        self.early_bytes.add(weight(&linked.event));
        if let Some(other) = self.early.insert(linked.event.cursor.offset, linked.clone()) {
            self.early_bytes.give_back(weight(&other.event));
        }
        let bytes = self.early_bytes.bytes();
        let are_many = self.early.len() > EARLY_EVENTS_MAX || bytes > EARLY_BYTES_MAX;
        if are_many || self.early_bytes.is_exceeded() {
            self.jump();
        }
    }

    fn jump(&mut self) {
        self.early_bytes.clear();
        for (offset, linked) in std::mem::take(&mut self.early) {
            let is_beyond = offset > self.head.offset + 1;
            if is_beyond && !self.is_read_otherwise(&linked) {
                self.begin(&linked);
            } else {
                self.place(&linked);
            }
        }
    }

    /// The log reaches further than what was offered.
    fn reach(&mut self, head: Cursor) {
        self.clear();
        self.head = head;
        self.early.retain(|offset, _| *offset > head.offset);
        self.jump();
    }

    /// Whether followers have read another event in its place.
    fn is_read_otherwise(&self, linked: &Linked) -> bool {
        let Cursor { offset, stamp } = linked.event.cursor;
        offset == self.read.offset && stamp != self.read.stamp
    }

    fn known(&self) -> Cursor {
        if self.read.offset > self.head.offset { self.read } else { self.head }
    }

    fn clear(&mut self) {
        self.events = VecDeque::new();
        self.bytes.clear();
    }

    /// The stamp of the event at an offset, as far as it is known here.
    fn stamp_at(&self, offset: u64) -> Option<u32> {
        if offset == self.head.offset {
            return Some(self.head.stamp);
        }
        let first = self.events.front()?.cursor.offset;
        if offset + 1 == first {
            return self.before;
        }
        let place = usize::try_from(offset.checked_sub(first)?).ok()?;
        self.events.get(place).map(|event| event.cursor.stamp)
    }

    fn take(&self, after: Cursor, max: usize) -> Taken {
        if self.head.offset < after.offset {
            return Taken::Nothing;
        }
        if self.stamp_at(after.offset) != Some(after.stamp) {
            return Taken::Behind;
        }
        let Some(first) = self.events.front().filter(|_| self.head.offset > after.offset) else {
            return Taken::Nothing;
        };
        let skip = usize::try_from(after.offset + 1 - first.cursor.offset).unwrap_or(usize::MAX);
        Taken::Events(self.events.iter().skip(skip).take(max).cloned().collect())
    }
}

#[cfg(test)]
mod tests;
