//! A piece of a topic's log, and whether a reader may go on with it.

use std::sync::Arc;

use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Event, Linked};

/// How large a page may be. A page holds at least one event if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit {
    /// At most so many events.
    pub events: usize,
    /// Ends once so many bytes of bodies are in.
    pub bytes: usize,
}

impl PageLimit {
    /// What replays read at a time: one short read transaction (a held one stops the log's files
    /// from being reused).
    pub const REPLAY: PageLimit = PageLimit { events: 500, bytes: 256 << 10 };
}

/// A contiguous piece of a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In order.
    pub events: Vec<Arc<Event>>,
    /// The head when the page was read.
    pub head: Cursor,
    /// Events up to this offset are gone.
    pub floor: u64,
    /// The stamp of the event after which the page was read, if it is retained.
    pub before: Option<u32>,
}

impl Page {
    /// Whether whoever has everything up to `at`, after which the page was read, may go on with it.
    #[must_use]
    pub fn resume(&self, at: Cursor) -> Resume {
        let next = self.events.first();
        // Of an event that is gone the one that follows it may tell.
        let is_followed = next.is_some_and(|next| {
            let linked = Linked { event: Arc::clone(next), before: self.before };
            next.cursor.offset == at.offset + 1 && linked.follows(at) == Some(true)
        });
        Resume::judge(at, self.floor, self.head, is_followed.then_some(at.stamp).or(self.before))
    }
}
