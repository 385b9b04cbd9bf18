//! The last events of one topic, bounded in events and bytes. Pure: no clock, no waiting.

use std::{collections::VecDeque, sync::Arc};

use roomcast_runtime::budget::{Budget, Share};

use super::place::Place;
use crate::names::Encoded;

/// Events a ring holds at most: a reader that is further behind reads the log.
const EVENTS_MAX: usize = 1024;
/// Bytes a ring holds at most, so that large events do not multiply by the number of topics.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that all rings hold together: some hundred busy topics. Those of further ones hold nothing while
/// there is no room, and readers that are behind read the log.
pub(super) const RINGS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What one reader takes at once: it bounds what a slow reader keeps from being freed.
const READ_EVENTS_MAX: usize = 64;
const READ_BYTES_MAX: usize = 256 * 1024;

/// A contiguous piece of a topic's log.
#[derive(Debug)]
pub(super) struct Ring {
    /// The cursor before the first event; none when the events before it were never seen.
    base: Option<String>,
    events: VecDeque<Arc<Encoded>>,
    bytes: Share,
    /// The offset of the last event, which it may have let go of; none when it has had none.
    last: Option<u64>,
    /// Grows when the history before it is no longer the one readers know.
    generation: u64,
}

/// What a reader finds.
#[derive(Debug)]
pub(super) enum Found {
    /// What comes next.
    Events(Vec<Arc<Encoded>>),
    /// Nothing comes next as yet.
    AtHead,
    /// The place is not in the ring: the log knows.
    Elsewhere,
}

/// What became of an arriving event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It follows the last one.
    Appended,
    /// It was there before.
    Known,
    /// Some before it are missing: the ring begins anew with it, and the log has the others.
    Skipped,
    /// Another event stood at its offset: the history is another one.
    Forked,
}

impl Ring {
    /// Empty, at a cursor. It is one of those that hold no more together than the budget allows.
    pub(super) fn new(base: &str, budget: &Budget) -> Self {
        Self {
            base: Some(base.to_owned()),
            events: VecDeque::new(),
            bytes: budget.share(),
            last: None,
            generation: 0,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Where the next subscription of this topic goes on.
    pub(super) fn head(&self) -> &str {
        let base = self.base.as_deref().unwrap_or_default();
        self.events.back().map_or(base, |last| last.cursor())
    }

    /// The topic's history is another one: everybody begins again at `cursor`.
    pub(super) fn reset(&mut self, cursor: &str) {
        self.rebase(cursor);
        self.generation += 1;
    }

    /// The subscription goes on after `cursor`, wherever the ring was. Readers find the log between.
    pub(super) fn rebase(&mut self, cursor: &str) {
        if self.head() == cursor {
            return;
        }
        self.clear(Some(cursor.to_owned()));
    }

    pub(super) fn push(&mut self, event: Arc<Encoded>) -> Arrival {
        let arrival = self.judge(&event);
        match arrival {
            Arrival::Appended => {}
            Arrival::Known => return arrival,
            Arrival::Skipped => self.clear(None),
            Arrival::Forked => {
                self.clear(None);
                self.generation += 1;
            }
        }
        self.bytes.add(event.size());
        self.last = Some(event.offset());
        self.events.push_back(event);
        while self.holds_too_much() {
            self.trim();
        }
        arrival
    }

    /// Lets go of the older half: what nobody is told any more goes in the end, and others find room.
    pub(super) fn halve(&mut self) {
        let left = self.events.len() / 2;
        while self.events.len() > left {
            self.trim();
        }
        self.events.shrink_to_fit();
    }

    fn holds_too_much(&self) -> bool {
        let is_large = self.bytes.bytes() > BYTES_MAX && self.events.len() > 1;
        let has_no_room = self.bytes.is_exceeded() && !self.events.is_empty();
        self.events.len() > EVENTS_MAX || is_large || has_no_room
    }

    fn judge(&self, event: &Encoded) -> Arrival {
        if self.base.as_deref() == Some(event.cursor()) {
            return Arrival::Known;
        }
        let Some(last) = self.last else { return Arrival::Appended };
        if event.offset() > last {
            let follows = event.offset() == last + 1;
            return if follows { Arrival::Appended } else { Arrival::Skipped };
        }
        let Some(first) = self.events.front() else {
            // The last one had the cursor that the ring stands at.
            return if event.offset() == last { Arrival::Forked } else { Arrival::Known };
        };
        let there = event.offset().checked_sub(first.offset()).and_then(|at| self.get(at));
        match there {
            Some(other) if other.cursor() != event.cursor() => Arrival::Forked,
            Some(_) | None => Arrival::Known,
        }
    }

    fn get(&self, at: u64) -> Option<&Arc<Encoded>> {
        self.events.get(usize::try_from(at).ok()?)
    }

    fn clear(&mut self, base: Option<String>) {
        self.base = base;
        self.events = VecDeque::new();
        self.bytes.clear();
        self.last = None;
    }

    fn trim(&mut self) {
        if let Some(oldest) = self.events.pop_front() {
            self.bytes.give_back(oldest.size());
            self.base = Some(oldest.cursor().to_owned());
        }
    }

    /// What comes after a place.
    pub(super) fn after(&self, place: &Place) -> Found {
        if self.base.as_deref() == Some(place.cursor()) {
            return self.beginning_at(0);
        }
        let Some(offset) = place.offset() else {
            return self.after_cursor(place.cursor());
        };
        if self.last.is_some_and(|last| offset > last) {
            return Found::AtHead;
        }
        let Some(first) = self.events.front() else { return Found::Elsewhere };
        // The same offset with another cursor is another history.
        match offset.checked_sub(first.offset()).and_then(|at| Some((at, self.get(at)?))) {
            Some((at, event)) if event.cursor() == place.cursor() => {
                usize::try_from(at + 1).map_or(Found::Elsewhere, |start| self.beginning_at(start))
            }
            Some(_) | None => Found::Elsewhere,
        }
    }

    /// A place whose offset is not known yet is sought from the head, where joins begin.
    fn after_cursor(&self, cursor: &str) -> Found {
        match self.events.iter().rposition(|event| event.cursor() == cursor) {
            Some(at) => self.beginning_at(at + 1),
            None => Found::Elsewhere,
        }
    }

    fn beginning_at(&self, start: usize) -> Found {
        let mut bytes = 0;
        let events: Vec<_> = self
            .events
            .range(start..)
            .take(READ_EVENTS_MAX)
            .take_while(|event| {
                let is_first = bytes == 0;
                bytes += event.size();
                is_first || bytes <= READ_BYTES_MAX
            })
            .cloned()
            .collect();
        if events.is_empty() { Found::AtHead } else { Found::Events(events) }
    }
}
