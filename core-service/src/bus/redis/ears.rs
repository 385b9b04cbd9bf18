//! What is heard of other cores' commits, and whom it wakes.

use std::fmt;
use std::time::Duration;

use super::message::Batch;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::event::{Event, Linked};
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::transcript::Transcript;

/// What comes in, and whom it wakes.
pub struct Ears {
    /// The tails of followed topics.
    pub bus: Bus,
    /// The clockwork's.
    pub alarm: Alarm,
    /// Whether events of this topic and type are wanted though nobody follows the topic.
    pub wants: fn(&Topic, &str) -> bool,
    /// Hears of these.
    pub hear: Box<dyn Fn(&Event) + Send + Sync>,
    /// This core's clock.
    pub now: fn() -> Time,
}

impl Ears {
    /// Takes in what another core has committed.
    pub(super) fn take_in(&self, batch: Batch, doubt: impl Fn()) {
        if batch.deadline != 0 {
            self.alarm.set(Time(batch.deadline));
        }
        let mut events = Vec::with_capacity(batch.events.len());
        for line in batch.events {
            match self.wanted(&line) {
                Ok(wanted) => events.extend(wanted),
                // Written by a newer core: the log is read by whoever needs it.
                Err(error) => {
                    tracing::debug!(%error, "an event on the bus cannot be read");
                    doubt();
                }
            }
        }
        self.bus.publish(&events);
        self.count(&events);
        for Linked { event, .. } in &events {
            if (self.wants)(&event.topic, &event.kind) {
                (self.hear)(event);
            }
        }
    }

    /// Counts how late events are that somebody here waits for: from their commit until it has them.
    fn count(&self, events: &[Linked]) {
        let (lags, now) = (metrics::histogram!("roomcast_bus_lag_seconds"), (self.now)());
        for Linked { event, .. } in events {
            // Clocks differ: nothing is heard before it was committed.
            lags.record(Duration::from_millis(now.0.saturating_sub(event.time.0)));
        }
    }

    /// Most events concern nobody here: their bodies are not even read.
    fn wanted(&self, line: &Transcript) -> Result<Option<Linked>, Error> {
        let topic = line.topic()?;
        if !self.bus.is_followed(&topic) && !(self.wants)(&topic, &line.r#type) {
            return Ok(None);
        }
        line.event(topic).map(Some)
    }
}

impl fmt::Debug for Ears {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ears").field("bus", &self.bus).finish_non_exhaustive()
    }
}
