//! The core, put together: store, log, agents, services, and how it starts and ends.

mod cluster;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::Stream;
use roomcast_identity::{ServiceKeys, UserKeys};
use roomcast_proto::v1::access_service_server::AccessServiceServer;
use roomcast_proto::v1::broadcast_service_server::BroadcastServiceServer;
use roomcast_proto::v1::job_service_server::JobServiceServer;
use roomcast_proto::v1::session_service_server::SessionServiceServer;
use roomcast_proto::v1::user_service_server::UserServiceServer;
use roomcast_runtime::{certificate, settings};
use tokio::net::TcpListener;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use self::cluster::Cluster;
use crate::alarm::Alarm;
use crate::auth::{Access, Door, Keys, Rules};
use crate::bus::Bus;
use crate::bus::redis::Ears;
use crate::config::{BusUrl, Config};
use crate::domain::event::{Event, Linked};
use crate::domain::job::Limits;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::listener::{self, Entrance, Guest, Tls};
use crate::log::{Log, now};
use crate::maintenance::leadership::Leadership;
use crate::maintenance::{cleaner, clockwork};
use crate::metrics_page::{self, Readiness};
use crate::observer::{Observers, audit};
use crate::rpc_span::{self, Traced};
use crate::service::access::Accesses;
use crate::service::broadcast::Broadcast;
use crate::service::job::Jobs;
use crate::service::presence::Attendance;
use crate::service::roster::Roster;
use crate::service::session::Sessions;
use crate::service::user::Users;
use crate::service::work_dispatch as dispatch;
use crate::store::postgres::{self, PostgresConfig, PostgresStore};
use crate::store::sqlite::{SqliteConfig, SqliteStore};
use crate::store::{Store, Tap};
use crate::subscription;

/// A gRPC message, in and out: a batch of events or a report with its chunks.
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Streams of one connection. An edge needs two and its calls; a limit below the need looks like a
/// hang, none at all is an attack's.
const STREAMS_MAX: u32 = 1024;
/// Calls that a peer has made and given up before they were looked at, on one connection: of more than the
/// library's 20 it thinks an attack and ends the connection. A core that stood still finds as many as an edge
/// had under way when it went to another.
const ABANDONED_MAX: usize = STREAMS_MAX as usize;
/// Calls of one connection at once, before its streams begin. More are refused, not queued.
const CALLS_MAX: usize = 2048;
/// Until a call's first answer. Longer than any wait that the contract lets a caller ask for.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Finds dead connections; without it a frozen peer blocks the shutdown.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// See [`KEEPALIVE_INTERVAL`].
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often readiness is looked at.
const READINESS_INTERVAL: Duration = Duration::from_millis(250);
/// From the end of the drain to that of the agents: a database that answers nothing is not waited for, since
/// nobody has been told of what it was asked to do.
const AGENTS_END_MAX: Duration = Duration::from_secs(2);
/// The name under which the health service tells whether other cores are heard.
const BUS: &str = "roomcast.bus";
/// How often gauges are set: as often as anybody scrapes.
const GAUGE_INTERVAL: Duration = Duration::from_secs(5);

type JobServer = JobServiceServer<Jobs>;
type SessionServer = SessionServiceServer<Sessions>;
type BroadcastServer = BroadcastServiceServer<Broadcast>;
type AccessServer = AccessServiceServer<Accesses>;
type UserServer = UserServiceServer<Users>;

/// Serves a core on `listener` until `shutdown`, then drains: not healthy, streams told to go
/// elsewhere, calls under way finished.
///
/// # Errors
/// When it cannot start, or when the store has stopped itself to stay right.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    serve_observed(config, listener, shutdown, Observers::default()).await
}

/// As [`serve`], with subscribers in this process.
///
/// # Errors
/// As [`serve`].
pub async fn serve_observed(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
    observers: Observers,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    check(&config, address).map_err(settings::unusable)?;
    let entrance = entrance(&config).map_err(settings::unusable)?;
    // Before anything runs that would go on without it.
    let page = match config.core_metrics_listen {
        Some(address) => Some(TcpListener::bind(address).await.context("metrics listener")?),
        None => None,
    };
    let mut core = Core::build(&config, observers)?;
    let (health, health_service) = tonic_health::server::health_reporter();
    let router = server()
        .add_service(health_service)
        .add_service(
            JobServiceServer::new(core.jobs()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(AccessServiceServer::new(core.access()))
        .add_service(UserServiceServer::new(core.users()))
        .add_service(
            SessionServiceServer::new(core.sessions()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            BroadcastServiceServer::new(core.broadcast())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        );
    let router = if config.reflection { with_reflection(router)? } else { router };
    core.spawn_agents(health.clone());
    if let Some(page) = page {
        let told = (core.readiness(), certificate_end(&config));
        core.tasks.spawn(metrics_page::serve(page, told, core.stop.clone()));
    }
    tracing::info!(%address, dev = config.dev, "the core serves");
    let guests = listener::guests(listener, entrance);
    core.run(router, guests, &health, (shutdown, &config)).await
}

/// What of the settings can be said before anything is opened.
fn check(config: &Config, address: SocketAddr) -> anyhow::Result<()> {
    anyhow::ensure!(
        !config.dev || address.ip().is_loopback(),
        "development mode needs no credentials, so it listens on loopback only, not on {address}; \
         listen on 127.0.0.1 or leave --dev away"
    );
    let has_key = !config.service_secret.is_empty() || config.core_client_ca.is_some();
    anyhow::ensure!(
        config.dev || has_key,
        "the core's door has no key: set ROOMCAST_SERVICE_SECRET or --core-client-ca (or --dev)"
    );
    anyhow::ensure!(
        config.bus.is_none() || config.store.is_some(),
        "a bus connects cores on one database: give --store postgres://… as well, or leave --bus away"
    );
    // Whoever names an authority takes the way to be encrypted.
    anyhow::ensure!(
        config.store_ca.is_none() || config.store.is_some(),
        "--store-ca is of a database: give --store postgres://… as well, or leave it away"
    );
    anyhow::ensure!(
        config.bus_ca.is_none() || config.bus.as_ref().is_some_and(BusUrl::is_encrypted),
        "--bus-ca is of a bus over TLS: give --bus rediss://… with it, or leave it away"
    );
    Ok(())
}

/// The parts of a running core.
struct Core {
    log: Log,
    cluster: Cluster,
    alarm: Alarm,
    roster: Roster,
    attendance: Attendance,
    door: Arc<Door>,
    store: Arc<dyn Store>,
    /// Cancelled once the store has stopped itself.
    failed: CancellationToken,
    retentions: Retentions,
    tasks: TaskTracker,
    /// Ends streams.
    drain: CancellationToken,
    /// Ends agents.
    stop: CancellationToken,
}

impl Core {
    fn build(config: &Config, observers: Observers) -> anyhow::Result<Core> {
        let users = UserKeys::new(config.user_keys()).map_err(settings::unusable)?;
        let services = ServiceKeys::new(config.service_secret.clone());
        let services = services.map_err(settings::unusable)?;
        let access = Access::new(config.users.into());
        let rules =
            Rules { is_dev: config.dev, rooms: config.rooms.clone(), requests: config.requests() };
        let limits = Limits::new(&config.job_limits);
        let mut cluster = Cluster::new(config)?;
        let (bus, alarm) = (cluster.bus.clone(), Alarm::default());
        let roster = Roster::new(limits.clone());
        let tap = Log::tap(&bus, {
            let roster = roster.clone();
            let observers = if config.audit { observers.with(audit()) } else { observers };
            let audience = observers.start()?;
            let outgoing = cluster.outgoing.clone();
            move |events| {
                outgoing.iter().for_each(|outgoing| outgoing.events(events));
                for Linked { event, .. } in events {
                    roster.hear(event);
                    audience.hear(event);
                }
            }
        });
        let retentions = Retentions::new(&config.retention);
        let Opened { store, failed, shared } = open_store(config, retentions.clone(), limits, tap)?;
        if let Some(shared) = shared {
            let (alarm, roster) = (alarm.clone(), roster.clone());
            let hear = Box::new(move |event: &Event| roster.hear(event));
            let ears = Ears { bus: bus.clone(), alarm, wants, hear, now };
            cluster.connect(config, &shared, ears).map_err(settings::unusable)?;
        }
        let log = Log::new(store.clone(), bus, alarm.clone())
            .telling(cluster.outgoing.clone(), cluster.pulse.clone());
        Ok(Core {
            log,
            cluster,
            alarm,
            roster,
            attendance: Attendance::default(),
            door: Arc::new(Door::new(Keys { users, services }, access, now, rules)),
            store,
            failed,
            retentions,
            tasks: TaskTracker::new(),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
        })
    }

    fn jobs(&self) -> Jobs {
        Jobs::new(self.log.clone(), self.door.clone(), self.roster.clone(), self.drain.clone())
    }

    fn broadcast(&self) -> Broadcast {
        let (log, door) = (self.log.clone(), self.door.clone());
        Broadcast::new(log, door, self.retentions.clone(), self.drain.clone())
    }

    fn access(&self) -> Accesses {
        let (log, door) = (self.log.clone(), self.door.clone());
        Accesses::new(log, door, self.retentions.clone(), self.drain.clone())
    }

    fn users(&self) -> Users {
        Users::new(self.log.clone(), self.door.clone())
    }

    fn sessions(&self) -> Sessions {
        let (log, door) = (self.log.clone(), self.door.clone());
        Sessions::new(log, door, self.attendance.clone(), self.drain.clone())
    }

    fn readiness(&self) -> Readiness {
        let (store, drain) = (self.store.clone(), self.drain.clone());
        let Cluster { pulse, health, .. } = &self.cluster;
        Readiness { store, pulse: pulse.clone(), health: health.clone(), drain }
    }

    fn spawn_agents(&mut self, health: HealthReporter) {
        let (log, stop) = (&self.log, &self.stop);
        let (alarm, roster) = (self.alarm.clone(), self.roster.clone());
        let stir = move || {
            alarm.set(Time::default());
            roster.stir();
        };
        self.cluster.spawn(&self.store, stir, (&self.tasks, stop));
        let leadership = Leadership::default();
        let core = self.cluster.core;
        self.tasks.spawn(leadership.clone().run(log.clone(), core, stop.clone()));
        let access = self.door.access().clone();
        self.tasks.spawn(subscription::access::follow(log.clone(), access, stop.clone()));
        let (alarm, leads) = (self.alarm.clone(), leadership.clone());
        self.tasks.spawn(clockwork::run(log.clone(), alarm, leads, stop.clone()));
        self.tasks.spawn(self.attendance.clone().run(log.clone(), stop.clone()));
        self.tasks.spawn(cleaner::run(log.clone(), leadership, stop.clone()));
        self.tasks.spawn(dispatch::run(log.clone(), self.roster.clone(), stop.clone()));
        self.tasks.spawn(report_health(self.readiness(), health));
        self.tasks.spawn(count(self.cluster.bus.clone(), self.roster.clone(), stop.clone()));
    }

    async fn run(
        self,
        router: Router<Traced>,
        guests: impl Stream<Item = io::Result<Guest>> + Send + 'static,
        health: &HealthReporter,
        (shutdown, config): (CancellationToken, &Config),
    ) -> anyhow::Result<()> {
        let (closing, failed) = (CancellationToken::new(), self.failed.clone());
        let serving =
            router.serve_with_incoming_shutdown(guests, closing.clone().cancelled_owned());
        let mut serving = tokio::spawn(serving);
        let mut outcome = Ok(());
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = failed.cancelled() => {
                let reason = self.store.writable().err().map(|error| error.to_string());
                let reason = reason.unwrap_or_default();
                outcome = Err(anyhow::anyhow!("the store has stopped itself: {reason}"));
            }
            served = &mut serving => return Ok(served??),
        }
        tracing::info!("the core drains");
        set_health(health, false).await;
        self.drain.cancel();
        closing.cancel();
        // A peer that does not read the end of its streams would hold the server for ever.
        let window = Duration::from_secs(config.drain_seconds);
        if tokio::time::timeout(window, &mut serving).await.is_err() {
            tracing::warn!("some connections did not end in time");
            serving.abort();
        }
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(AGENTS_END_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!("the store does not answer; what waits for it is broken off");
        }
        tracing::info!("the core has ended");
        outcome
    }
}

/// Whether an event of this type wakes the roster, though nobody follows its topic.
fn wants(topic: &Topic, kind: &str) -> bool {
    topic.kind() == Kind::Job && Roster::hears(kind)
}

/// The store that is configured.
struct Opened {
    store: Arc<dyn Store>,
    /// Cancelled if it stops itself.
    failed: CancellationToken,
    /// What it shares with other cores, if there may be others.
    shared: Option<postgres::Cluster>,
}

fn open_store(
    config: &Config,
    retentions: Retentions,
    limits: Limits,
    tap: Tap,
) -> anyhow::Result<Opened> {
    if let Some(url) = &config.store {
        let authority = config.store_ca.clone();
        let postgres =
            PostgresConfig { authority, retentions, limits, ..PostgresConfig::new(url.expose()) };
        let store = PostgresStore::open(postgres, tap).map_err(|error| {
            if error.is_of_settings() { settings::unusable(error) } else { error.into() }
        })?;
        let shared = Some(store.cluster().clone());
        // A database that went away is waited for: this engine never stops itself.
        return Ok(Opened { store: Arc::new(store), failed: CancellationToken::new(), shared });
    }
    let sqlite = SqliteConfig { retentions, limits, ..SqliteConfig::new(config.data_dir.clone()) };
    let store = SqliteStore::open(sqlite, Arc::new(now), tap)?;
    let failed = store.failed();
    Ok(Opened { store: Arc::new(store), failed, shared: None })
}

fn server() -> Server<Traced> {
    Server::builder()
        .layer(rpc_span::layer())
        .timeout(CALL_TIMEOUT)
        .concurrency_limit_per_connection(CALLS_MAX)
        .load_shed(true)
        .max_concurrent_streams(Some(STREAMS_MAX))
        .http2_max_pending_accept_reset_streams(Some(ABANDONED_MAX))
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}

fn entrance(config: &Config) -> anyhow::Result<Entrance> {
    let tls = match (&config.core_tls_cert, &config.core_tls_key) {
        (Some(certificate), Some(key)) => {
            Some(Tls::load(certificate, key, config.core_client_ca.as_deref())?)
        }
        _ => None,
    };
    Ok(Entrance::new(config.connections_max, tls))
}

/// When what the core shows of itself is over.
fn certificate_end(config: &Config) -> Option<f64> {
    let pem = std::fs::read(config.core_tls_cert.as_ref()?).ok()?;
    certificate::end(&CertificateDer::from_pem_slice(&pem).ok()?)
}

fn with_reflection(router: Router<Traced>) -> anyhow::Result<Router<Traced>> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(roomcast_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that grpcurl can show the details of errors.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(router.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?))
}

/// Says whether writes are taken, per service, and whether other cores are heard, until the core drains.
async fn report_health(readiness: Readiness, health: HealthReporter) {
    let mut known = None;
    loop {
        let state = (readiness.writable().is_ok(), readiness.health.hearing().is_good());
        metrics::gauge!("roomcast_store_writable").set(if state.0 { 1.0 } else { 0.0 });
        if known != Some(state) {
            set_health(&health, state.0).await;
            // A part, not a service: a core that hears no other serves all the same.
            health.set_service_status(BUS, serving(state.1)).await;
            known = Some(state);
        }
        tokio::select! {
            () = readiness.drain.cancelled() => return,
            () = tokio::time::sleep(READINESS_INTERVAL) => {}
        }
    }
}

/// Keeps the gauges of what is connected, until `stop`.
async fn count(bus: Bus, roster: Roster, stop: CancellationToken) {
    loop {
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        {
            metrics::gauge!("roomcast_workers").set(roster.len() as f64);
            metrics::gauge!("roomcast_followed_topics").set(bus.topics() as f64);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(GAUGE_INTERVAL) => {}
        }
    }
}

fn serving(is: bool) -> ServingStatus {
    if is { ServingStatus::Serving } else { ServingStatus::NotServing }
}

async fn set_health(health: &HealthReporter, is_serving: bool) {
    health.set_service_status("", serving(is_serving)).await;
    if is_serving {
        health.set_serving::<JobServer>().await;
        health.set_serving::<BroadcastServer>().await;
        health.set_serving::<SessionServer>().await;
        health.set_serving::<AccessServer>().await;
        health.set_serving::<UserServer>().await;
    } else {
        health.set_not_serving::<JobServer>().await;
        health.set_not_serving::<BroadcastServer>().await;
        health.set_not_serving::<SessionServer>().await;
        health.set_not_serving::<AccessServer>().await;
        health.set_not_serving::<UserServer>().await;
    }
}
