//! Speaking: what waits goes into one message, and what comes meanwhile into the next.

use std::time::Duration;

use redis::RedisError;
use redis::aio::MultiplexedConnection;

use super::message::{Batch, Seal};
use super::outgoing::Outgoing;
use crate::store::transcript::Transcript;

/// A core says something at least this often.
const BEAT: Duration = Duration::from_millis(250);

/// The half of a connection that speaks.
pub(super) struct Voice<'redis> {
    pub(super) connection: MultiplexedConnection,
    pub(super) channel: &'redis str,
    pub(super) seal: &'redis Seal,
    pub(super) core: u64,
    pub(super) number: &'redis mut u64,
}

impl Voice<'_> {
    /// Speaks until it cannot. Answers why.
    pub(super) async fn speak(&mut self, outgoing: &Outgoing) -> RedisError {
        loop {
            let load = tokio::time::timeout(BEAT, outgoing.load()).await.unwrap_or_default();
            let lines = load.events.iter().map(Transcript::of);
            let events: Vec<Transcript> = lines.flatten().collect();
            if load.has_lost || events.len() < load.events.len() {
                // A number that nobody hears: the others look.
                *self.number += 1;
            }
            let deadline = load.deadline.map_or(0, |deadline| deadline.0);
            if let Err(error) = self.say(Batch { events, deadline, is_last: false }).await {
                return error;
            }
        }
    }

    /// Says one thing.
    pub(super) async fn say(&mut self, batch: Batch) -> Result<(), RedisError> {
        *self.number += 1;
        let message = self.seal.close(self.core, *self.number, &batch);
        metrics::counter!("roomcast_bus_sent_total").increment(1);
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(self.channel).arg(message);
        publish.query_async(&mut self.connection).await
    }
}
