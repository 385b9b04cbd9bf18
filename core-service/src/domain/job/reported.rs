//! What a worker says in its own words: events of types that it chooses, in the job's log and in its
//! project's. They change nothing of the job.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decide::{Draft, invalid};
use super::{Event, Pending, Refusal};
use crate::domain::limits;
use crate::domain::payload::Payload;

/// An event of a worker's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Its type on the wire.
    pub kind: Arc<str>,
    /// What the worker said.
    pub payload: Payload,
}

/// What one event costs of the time that passes.
const COST: Duration = Duration::from_millis(1000 / limits::JOB_EVENTS_PER_SECOND);
/// How far a worker may be ahead of what it has paid for.
const AHEAD_MAX: Duration = COST.saturating_mul(limits::JOB_EVENTS_AT_ONCE);

impl Draft {
    /// Logs a worker's own events, after the usage that was reported before them. Progress keeps its
    /// rate: only its newest value counts, so it may be told later.
    pub(super) fn tell(&mut self, events: Vec<Reported>) -> Result<(), Refusal> {
        if events.is_empty() {
            return Ok(());
        }
        self.pay_for(&events)?;
        if let Some(pending) = &mut self.record.custody.pending
            && let Some(usage) = pending.usage.take()
        {
            if *pending == Pending::default() {
                self.record.custody.pending = None;
            }
            self.log(Event::Used(usage));
        }
        for event in events {
            self.log(Event::Reported(event));
        }
        Ok(())
    }

    fn pay_for(&mut self, events: &[Reported]) -> Result<(), Refusal> {
        let custody = &mut self.record.custody;
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let paid = custody.events_until.max(self.now) + COST.saturating_mul(count);
        let wait = paid.since(self.now).saturating_sub(AHEAD_MAX);
        if !wait.is_zero() {
            return Err(Refusal::TooFast { wait });
        }
        let bytes: usize = events.iter().map(|event| event.payload.data.len()).sum();
        custody.event_bytes = custody.event_bytes.saturating_add(bytes as u64);
        if custody.event_bytes > limits::JOB_EVENTS_BYTES_MAX {
            return Err(invalid("events", "an attempt's own events have at most 64 MiB"));
        }
        custody.events_until = paid;
        Ok(())
    }
}
