//! What a reader must do next. Pure: the rules by which no reader ever has a gap.

use std::sync::Arc;

use super::{
    page::Page,
    place::Place,
    ring::{Found, Ring},
};
use crate::names::Encoded;

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
    /// Whether nothing is missing between this place and what the ring will get next.
    pub(super) fn is_at_head(&self, ring: &Ring) -> bool {
        self.generation() == ring.generation() && self.cursor() == ring.head()
    }

    /// What comes next, by the ring alone.
    pub(super) fn step(&self, ring: &Ring) -> Step {
        if self.generation() != ring.generation() {
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
        let mut before = self.offset();
        for event in &events {
            if before.is_some_and(|before| event.offset() != before + 1) {
                return Step::JoinAgain;
            }
            before = Some(event.offset());
        }
        Step::Deliver(events)
    }
}
