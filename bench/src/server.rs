//! PostgreSQL and Redis servers of the measurement's own, with the durability of a cluster.

use std::path::Path;

use roomcast_test_servers::{Postgres, Redis};
use tokio_postgres::NoTls;

/// A cluster's, on a small machine: the rest are PostgreSQL's defaults, with `fsync` on.
const SETTINGS: [&str; 3] = ["shared_buffers=256MB", "max_wal_size=4GB", "max_connections=200"];
/// What it has taken, it syncs before it answers.
const SYNCED: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A new, empty PostgreSQL on the disk of `on`.
pub(crate) fn postgres(on: &Path) -> Postgres {
    Postgres::start_durable(on, &SETTINGS)
}

/// Makes one more database.
pub(crate) fn create(postgres: &Postgres, database: &str) -> String {
    postgres.say(&format!("CREATE DATABASE {database}"));
    postgres.url_of(database)
}

/// A connection that is driven by a task.
pub(crate) async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Whoever waits hears of it by the statement that fails.
        let _ = connection.await;
    });
    Ok(client)
}

/// A Redis that keeps nothing, as between cores.
pub(crate) fn redis() -> Redis {
    Redis::start(&[])
}

/// A Redis on the disk of `on` that answers what is durable.
pub(crate) fn durable_redis(on: &Path) -> Redis {
    Redis::start_on(on, &SYNCED)
}
