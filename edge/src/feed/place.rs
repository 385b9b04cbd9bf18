//! Where one reader is, and what it must do next. Pure: the rules by which no reader ever has a gap.

use std::sync::Arc;

use super::{
    page::Page,
    ring::{Found, Ring},
};
use crate::names::Encoded;

/// A reader's place: after the event with this cursor.
#[derive(Debug, Clone)]
pub(super) struct Place {
    cursor: String,
    /// Known once an event was delivered: a join names only the cursor.
    offset: Option<u64>,
    generation: u64,
}

/// The last event that a reader has delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its cursor.
    pub cursor: String,
    /// Its offset, where it is known.
    pub offset: Option<u64>,
}

/// What a reader does next.
#[derive(Debug)]
pub(super) enum Step {
    /// Deliver these.
    Deliver(Vec<Arc<Encoded>>),
    /// Wait for the ring to change.
    Wait,
    /// Read the log after the place.
    ReadLog,
    /// The history changed: join again from the place.
    JoinAgain,
}

impl Place {
    pub(super) fn new(cursor: &str, generation: u64) -> Self {
        Self { cursor: cursor.to_owned(), offset: None, generation }
    }

    /// After an event whose offset is known as well.
    pub(super) fn after(position: &Position, generation: u64) -> Self {
        let Position { cursor, offset } = position.clone();
        Self { cursor, offset, generation }
    }

    pub(super) fn position(&self) -> Position {
        Position { cursor: self.cursor.clone(), offset: self.offset }
    }

    pub(super) fn cursor(&self) -> &str {
        &self.cursor
    }

    pub(super) fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// Whether nothing is missing between this place and what the ring will get next.
    pub(super) fn is_at_head(&self, ring: &Ring) -> bool {
        self.generation == ring.generation() && self.cursor == ring.head()
    }

    /// What comes next, by the ring alone.
    pub(super) fn step(&self, ring: &Ring) -> Step {
        if self.generation != ring.generation() {
            return Step::JoinAgain;
        }
        match ring.after(self) {
            Found::Events(events) => self.checked(events),
            Found::AtHead => Step::Wait,
            Found::Elsewhere => Step::ReadLog,
        }
    }

    /// What comes next, by a page of the log read after this place.
    pub(super) fn take(&self, page: &Page) -> Step {
        if page.is_reset {
            return Step::JoinAgain;
        }
        if page.events.is_empty() {
            // All is read; the ring has not come as far, or says nothing yet.
            return Step::Wait;
        }
        self.checked(page.events.clone())
    }

    /// Whatever the source, the first event must follow the place and each its forerunner.
    fn checked(&self, events: Vec<Arc<Encoded>>) -> Step {
        let mut before = self.offset;
        for event in &events {
            if before.is_some_and(|before| event.offset() != before + 1) {
                return Step::JoinAgain;
            }
            before = Some(event.offset());
        }
        Step::Deliver(events)
    }

    /// The event was delivered.
    pub(super) fn advance(&mut self, event: &Encoded) {
        event.cursor().clone_into(&mut self.cursor);
        self.offset = Some(event.offset());
    }

    /// The core confirmed that the history up to this place is whole.
    pub(super) fn confirm(&mut self, generation: u64) {
        self.generation = generation;
    }
}
