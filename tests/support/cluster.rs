//! Cores on one database and one bus.

use roomcast_client::Client;
use roomcast_identity::Scope;
use roomcast_test_servers::{Port, Postgres};

use super::core::Core;
use super::credential::service;
use super::eventually::eventually;
use super::link::Link;
use super::redis::Redis;
use super::way::Way;

#[derive(Debug)]
pub(crate) struct Cluster {
    // Dropped first: a core whose database has gone would say so.
    pub(crate) cores: Vec<Core>,
    /// Where each core's operators look.
    pages: Vec<Port>,
    pub(crate) redis: Redis,
    pub(crate) database: Postgres,
}

/// One core's ways to what all share, each of which can be cut.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) database: Way,
    pub(crate) redis: Link,
}

impl Cluster {
    /// So many cores that hear each other.
    pub(crate) async fn start(count: usize) -> Cluster {
        Cluster::start_with(count, &[]).await
    }

    /// Starts with settings of the test's own, as on the command line.
    pub(crate) async fn start_with(count: usize, more: &[&str]) -> Cluster {
        let (database, redis) = (Postgres::start(), Redis::start());
        let shared = vec![(database.url(), redis.url()); count];
        Cluster::assemble(&shared, more, redis, database).await
    }

    /// Each core comes to the database and to Redis by ways of its own. Let go of the ways last.
    pub(crate) async fn start_apart(count: usize) -> (Vec<Ways>, Cluster) {
        let (database, redis) = (Postgres::start(), Redis::start());
        let (mut ways, mut shared) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let own = Ways { database: Way::to(&database), redis: redis.link().await };
            shared.push((own.database.url(), redis.url_by(&own.redis)));
            ways.push(own);
        }
        (ways, Cluster::assemble(&shared, &[], redis, database).await)
    }

    /// Speaks to Redis over TLS.
    pub(crate) async fn start_secure(count: usize) -> Cluster {
        let redis = Redis::start_secure();
        let authority = redis.authority().expect("it is secure");
        let authority = authority.to_str().expect("a path").to_owned();
        let database = Postgres::start();
        let shared = vec![(database.url(), redis.url()); count];
        Cluster::assemble(&shared, &["--bus-ca", &authority], redis, database).await
    }

    /// A core for each address of the database and of Redis.
    async fn assemble(
        shared: &[(String, String)],
        more: &[&str],
        redis: Redis,
        database: Postgres,
    ) -> Cluster {
        let (mut cores, mut pages) = (Vec::new(), Vec::new());
        for (store, bus) in shared {
            let page = Port::reserve();
            let at = page.address().to_string();
            let settings = ["--store", store, "--bus", bus, "--core-metrics-listen", &at];
            cores.push(Core::start_with(&[&settings, more].concat()).await);
            pages.push(page);
        }
        let cluster = Cluster { cores, pages, redis, database };
        cluster.all_say("up").await;
        cluster
    }

    /// A program that is given all cores, with every right.
    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder().cores(self.cores.iter().map(Core::url));
        builder.service_token(service(&[Scope::Admin])).connect_lazy().expect("addresses")
    }

    /// Waits until every core that runs says this of the bus.
    pub(crate) async fn all_say(&self, bus: &str) {
        for core in 0..self.cores.len() {
            self.says(core, bus).await;
        }
    }

    /// Waits until a core says this of the bus.
    pub(crate) async fn says(&self, core: usize, bus: &str) {
        let line = format!("bus: {bus}\n");
        eventually(&format!("core {core} says {line}"), async || {
            self.readiness(core).await.filter(|(_, text)| text.contains(&line)).map(drop)
        })
        .await;
    }

    /// Status and text of `/readyz?verbose`.
    pub(crate) async fn readiness(&self, core: usize) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("{}/readyz?verbose", self.pages[core].url())).await;
        let answer = answer.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// The value of a core's metric that has no labels.
    pub(crate) async fn metric(&self, core: usize, name: &str) -> Option<f64> {
        let page = reqwest::get(format!("{}/metrics", self.pages[core].url())).await.ok()?;
        let page = page.text().await.ok()?;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line?.parse().ok()
    }

    /// The core that keeps house.
    pub(crate) async fn leader(&self) -> usize {
        eventually("one core leads", async || {
            let mut leaders = Vec::new();
            for core in 0..self.cores.len() {
                if self.metric(core, "roomcast_leader").await == Some(1.0) {
                    leaders.push(core);
                }
            }
            (leaders.len() == 1).then(|| leaders[0])
        })
        .await
    }
}
