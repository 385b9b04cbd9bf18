//! Hearing: this core's own words, that prove the way, and what the others have committed.

use std::time::Duration;

use bytes::Bytes;
use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::time::{Instant, MissedTickBehavior};

use super::ears::Ears;
use super::inlet::Inflow;
use super::message::{NoMessage, Seal};
use super::peers::Peers;
use crate::bus::health::{Health, Hearing};

/// A core that does not hear its own words for so long, or another's, does not rely on the bus.
const SILENCE: Duration = Duration::from_secs(1);
/// How often silence is looked for.
const CHECK: Duration = Duration::from_millis(100);

/// The half of a connection that hears.
pub(super) struct Listening<'redis> {
    pub(super) ears: &'redis Ears,
    pub(super) seal: &'redis Seal,
    pub(super) core: u64,
    pub(super) peers: &'redis mut Peers,
    pub(super) health: &'redis Health,
    /// When this core last heard itself.
    pub(super) own: Instant,
}

impl Listening<'_> {
    /// Hears until there is nothing to hear. Answers why.
    pub(super) async fn listen(&mut self, mut heard: Inflow) -> RedisError {
        let broken = |why: &'static str| RedisError::from((redis::ErrorKind::Io, why));
        let mut check = tokio::time::interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                push = heard.next() => match push {
                    None => return broken("the connection is closed"),
                    Some(push) if push.kind == PushKind::Disconnection => {
                        return broken("the connection is lost");
                    }
                    Some(push) if push.kind == PushKind::Message => self.take_in(push),
                    // That the subscription has begun.
                    Some(_) => {}
                },
                now = check.tick() => {
                    if heard.has_lost() {
                        self.missed();
                    }
                    if now.duration_since(self.own) > SILENCE {
                        return broken("what is said is not heard");
                    }
                    if self.health.hearing() != Hearing::Down {
                        let is_silent = self.peers.has_silent(SILENCE, now);
                        self.health.set(if is_silent { Hearing::Some } else { Hearing::All });
                    }
                }
            }
        }
    }

    fn missed(&self) {
        metrics::counter!("roomcast_bus_gaps_total").increment(1);
        self.health.doubt();
    }

    fn take_in(&mut self, push: PushInfo) {
        let Some(Value::BulkString(bytes)) = push.data.into_iter().nth(1) else { return };
        let message = match self.seal.open(Bytes::from(bytes)) {
            Ok(message) => message,
            Err(error) => return self.refuse(error),
        };
        let now = Instant::now();
        if message.core == self.core {
            self.own = now;
            if self.health.hearing() == Hearing::Down {
                tracing::info!("other cores are told of commits over redis");
                metrics::gauge!("roomcast_bus_up").set(1.0);
                self.health.set(Hearing::All);
            }
            return;
        }
        metrics::counter!("roomcast_bus_heard_total").increment(1);
        if self.peers.hear(message.core, message.number, now) {
            self.missed();
        }
        let core = message.core;
        match message.batch() {
            Ok(batch) => {
                if batch.is_last {
                    self.peers.leave(core);
                }
                self.ears.take_in(batch, || self.health.doubt());
            }
            Err(error) => self.refuse(error),
        }
    }

    fn refuse(&self, error: NoMessage) {
        metrics::counter!("roomcast_bus_refused_total").increment(1);
        tracing::debug!(%error, "a message on the bus is refused");
        self.health.doubt();
    }
}
