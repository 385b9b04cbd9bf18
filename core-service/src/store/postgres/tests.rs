//! The suite on this engine, and what is this engine's own.

mod cleaner;
mod cluster;
mod counting;
mod lane;
mod memory;
mod migration;
mod plans;
mod pooler;
mod projects;
mod standby;
mod statements;
mod tls;

use std::sync::Arc;

use roomcast_test_servers::Postgres;

use super::{Clock, PostgresConfig, PostgresStore};
use crate::domain::time::Time;
use crate::store::conformance::{Engine, conformance, job_limits, retentions};
use crate::store::{Store, Tap};

conformance!(crate::store::postgres::tests::fresh);

/// A database of its own.
pub(super) fn fresh() -> Postgres {
    Postgres::start()
}

impl Engine for Postgres {
    fn open(&self, clock: Arc<dyn Fn() -> Time + Send + Sync>, tap: Tap) -> Arc<dyn Store> {
        let mut config = PostgresConfig::new(self.url());
        (config.limits, config.retentions) = (job_limits(), retentions());
        config.clock = Clock::Given(clock);
        Arc::new(PostgresStore::open(config, tap).expect("opens"))
    }

    fn alter(&self, statement: &str) {
        self.say(statement);
    }

    fn copy(&self) -> Box<dyn Engine> {
        Box::new(self.crashed())
    }
}
