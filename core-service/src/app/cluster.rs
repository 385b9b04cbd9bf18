//! What a core has that may be one of several: a number, a bus that reaches the others, a watch over
//! what it misses, and a share in the lead. A core that is alone has the same, silent.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bus::health::{Health, Hearing};
use crate::bus::pulse::{self, Pulse};
use crate::bus::redis::{Ears, Outgoing, Redis, RedisConfig};
use crate::bus::{Bus, Waiting, watch};
use crate::config::Config;
use crate::store::Store;
use crate::store::postgres;

/// A core's part in its cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    /// This core's number, new with each start.
    pub(super) core: u64,
    pub(super) bus: Bus,
    pub(super) health: Health,
    pub(super) pulse: Pulse,
    /// What other cores are told.
    pub(super) outgoing: Option<Outgoing>,
    waiting: Option<Waiting>,
    redis: Option<Redis>,
}

impl Cluster {
    /// What the configuration says of other cores.
    pub(super) fn new(config: &Config) -> anyhow::Result<Cluster> {
        // Below 2^63, for the database; not 0, which is nobody.
        let core = getrandom::u64().context("a number for the core")? >> 1 | 1;
        let outgoing = config.bus.as_ref().map(|_| Outgoing::default());
        if config.store.is_none() {
            let (bus, health) = (Bus::default(), Health::new(Hearing::Alone));
            let pulse = Pulse::default();
            return Ok(Cluster { core, bus, health, pulse, outgoing, waiting: None, redis: None });
        }
        let hearing = if config.bus.is_some() { Hearing::Down } else { Hearing::None };
        let (bus, waiting) = Bus::shared();
        let (health, pulse) = (Health::new(hearing), Pulse::default());
        let waiting = Some(waiting);
        Ok(Cluster { core, bus, health, pulse, outgoing, waiting, redis: None })
    }

    /// Prepares the way to the other cores on a database.
    pub(super) fn connect(
        &mut self,
        config: &Config,
        shared: &postgres::Cluster,
        ears: Ears,
    ) -> anyhow::Result<()> {
        let (Some(url), Some(outgoing)) = (&config.bus, &self.outgoing) else { return Ok(()) };
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let redis = RedisConfig {
            url: url.expose().to_owned(),
            authority: config.bus_ca.as_ref().map(read).transpose()?,
            cluster: (shared.name().to_owned(), shared.key().to_vec()),
            core: self.core,
        };
        let (outgoing, health) = (outgoing.clone(), self.health.clone());
        self.redis = Some(Redis::new(redis, outgoing, ears, health)?);
        Ok(())
    }

    /// Starts what keeps the bus, and what reaches other cores. `stir` wakes whoever waits for their commits
    /// without following a topic.
    pub(super) fn spawn(
        &mut self,
        store: &Arc<dyn Store>,
        stir: impl Fn() + Send + Sync + 'static,
        (tasks, stop): (&TaskTracker, &CancellationToken),
    ) {
        tasks.spawn(self.bus.clone().relieve_always(stop.clone()));
        let (bus, pulse) = (self.bus.clone(), self.pulse.clone());
        tasks.spawn(pulse::run(Arc::clone(store), bus, pulse, stop.clone()));
        let Some(waiting) = self.waiting.take() else { return };
        tasks.spawn(waiting.run(stop.clone()));
        if let Some(redis) = self.redis.take() {
            tasks.spawn(redis.run(stop.clone()));
        }
        let (bus, health) = (self.bus.clone(), self.health.clone());
        tasks.spawn(watch::run(Arc::clone(store), bus, health, stir, stop.clone()));
    }
}
