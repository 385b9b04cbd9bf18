//! PostgreSQL and Redis servers of the measurement's own, with the durability of a cluster.

use std::path::Path;

use roomcast_test_servers::{Postgres, Redis};
use tokio_postgres::NoTls;

/// A cluster's, on a small machine: the rest are PostgreSQL's defaults, with `fsync` on.
const SETTINGS: [&str; 4] =
    ["shared_buffers=256MB", "min_wal_size=3GB", "max_wal_size=12GB", "max_connections=200"];
/// Fills as many segments of the write-ahead log as are kept, so that they are used again: a server that has
/// run for a while does not make new ones, each of which is written twice, while somebody waits.
const SEASON: [&str; 2] = [
    "DO $$ BEGIN FOR n IN 1..192 LOOP
       PERFORM pg_logical_emit_message(false, 'bench', 'segment'); PERFORM pg_switch_wal();
     END LOOP; END $$",
    "CHECKPOINT",
];
/// What it has taken, it syncs before it answers.
const SYNCED: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A new PostgreSQL on the disk of `on`, empty but for its log.
pub(crate) fn postgres(on: &Path) -> Postgres {
    let postgres = Postgres::start_durable(on, &SETTINGS);
    for statement in SEASON {
        postgres.say(statement);
    }
    postgres
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
