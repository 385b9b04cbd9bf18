//! What a cleaning may still do, and which events are past their retention.

use std::time::{Duration, Instant};

use crate::domain::retention::Retention;
use crate::domain::time::Time;
use crate::store::{CleanBudget, Cleaned};

/// Rows between two looks at the clock.
pub(crate) const STEP_ROWS: usize = 64;
/// Bodies that one cleaning deletes: what it writes of them is written in one commit.
const BYTES_MAX: u64 = 1 << 20;

/// What is left of a cleaning's budget. Every cleaning takes at least one step.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) until: Instant,
    pub(crate) cleaned: Cleaned,
}

impl Left {
    /// All of the budget, but not after `until`.
    pub(crate) fn new(budget: CleanBudget, until: Option<Instant>) -> Left {
        let end = Instant::now() + budget.time;
        let until = until.map_or(end, |until| until.min(end));
        let events = budget.events.max(1) as u64;
        Left { events, bytes: BYTES_MAX, until, cleaned: Cleaned::default() }
    }

    /// Counts the time anew.
    pub(crate) fn restart(&mut self, time: Duration) {
        self.until = Instant::now() + time;
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.events == 0 || self.bytes == 0 || Instant::now() >= self.until
    }

    pub(crate) fn take(&mut self, events: u64, bytes: u64) {
        self.events = self.events.saturating_sub(events);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.cleaned.events += events;
    }

    /// How many of a topic's oldest events go, and their bytes: as long as `goes` says so of the oldest
    /// one's time and of the number and bytes that are retained.
    pub(crate) fn count(
        &self,
        oldest: &[(Time, u64)],
        (events, bytes): (u64, u64),
        goes: impl Fn(Time, u64, u64) -> bool,
    ) -> (u64, u64) {
        let (mut gone, mut size) = (0, 0);
        for (time, length) in oldest.iter().take(STEP_ROWS) {
            let is_within = gone < self.events && size < self.bytes;
            if !is_within || !goes(*time, events - gone, bytes.saturating_sub(size)) {
                break;
            }
            (gone, size) = (gone + 1, size + length);
        }
        (gone, size)
    }
}

/// Whether the oldest event of a topic that retains so much must go.
pub(crate) fn is_past(
    retention: Retention,
    now: Time,
    time: Time,
    events: u64,
    bytes: u64,
) -> bool {
    time + retention.age <= now
        || retention.events.is_some_and(|most| events > most)
        || retention.bytes.is_some_and(|most| bytes > most)
}
