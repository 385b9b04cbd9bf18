//! One reader of one topic: replay from its cursor, then follow live; if it falls behind, replay
//! again. Whatever the tail forgets and whenever the reader joins, it gets each event once, in order,
//! without a hole, or one explicit reset.

use std::sync::Arc;

use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::Event;

/// What a topic's tail has for a reader.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// The events that follow, without a hole.
    Events(Vec<Arc<Event>>),
    /// Nothing after the reader's place.
    Nothing,
    /// The reader is further back than the tail reaches, or of another history.
    Behind,
}

/// Where the next events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The log.
    Log,
    /// The tail of committed events.
    Tail,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Hand these on.
    Deliver(Vec<Arc<Event>>),
    /// Everything that was there has been handed on, for the first time since the start or a replay.
    CaughtUp,
    /// Wait for the tail.
    Wait,
    /// Look again, at the source that [`Progression::source`] names.
    Again,
    /// Events are missed for good.
    Reset(Resume),
}

/// How far a reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progression {
    at: Cursor,
    source: Source,
    has_caught_up: bool,
}

impl Progression {
    /// A reader that has everything up to `at`.
    #[must_use]
    pub fn after(at: Cursor) -> Progression {
        Progression { at, source: Source::Log, has_caught_up: false }
    }

    /// The last event that was handed on.
    #[must_use]
    pub fn at(&self) -> Cursor {
        self.at
    }

    /// Where to look next.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Goes on from the log, whatever the tail has.
    pub fn reread(&mut self) {
        self.source = Source::Log;
    }

    /// Takes in a page of the log that was read after [`Progression::at`], and whether it goes on from there.
    pub fn page(&mut self, events: Vec<Arc<Event>>, resume: Resume) -> Step {
        if resume != Resume::Whole {
            return Step::Reset(resume);
        }
        if events.is_empty() {
            self.source = Source::Tail;
            if self.has_caught_up {
                return Step::Again;
            }
            self.has_caught_up = true;
            return Step::CaughtUp;
        }
        self.deliver(events)
    }

    /// Takes in what the tail had after [`Progression::at`].
    pub fn tail(&mut self, taken: Taken) -> Step {
        match taken {
            Taken::Events(events) => self.deliver(events),
            Taken::Nothing => Step::Wait,
            Taken::Behind => {
                self.source = Source::Log;
                Step::Again
            }
        }
    }

    fn deliver(&mut self, events: Vec<Arc<Event>>) -> Step {
        let is_next = events.first().is_some_and(|e| e.cursor.offset == self.at.offset + 1);
        let Some(last) = events.last().filter(|_| is_next) else {
            // Not what comes next: only the log tells.
            self.source = Source::Log;
            return Step::Again;
        };
        self.at = last.cursor;
        Step::Deliver(events)
    }
}

#[cfg(test)]
mod tests;
