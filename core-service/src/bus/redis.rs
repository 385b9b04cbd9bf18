//! The bus between cores, over Redis. Only a hint: a message may be lost, come twice, late or never, and
//! Redis may be dead. Then [`watch`](super::watch) finds in the store what was missed.
//!
//! One connection speaks and hears; one channel, named after the database, carries everything. While a
//! message is on its way the next one fills, so a busy core sends few large ones. Every core hears its
//! own words too: that is how it knows that the others may.

mod ears;
mod inlet;
mod listening;
mod message;
mod outgoing;
mod pauses;
mod peers;
mod voice;

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, ProtocolVersion, RedisError,
    TlsCertificates,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::inlet::Inlet;
use self::listening::Listening;
use self::message::{Batch, Seal};
use self::pauses::Pauses;
use self::peers::Peers;
use self::voice::Voice;
use super::health::{Health, Hearing};

pub use self::ears::Ears;
pub use self::outgoing::Outgoing;

/// How long Redis may take to answer, or to be connected.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// The time that a core gives its goodbye.
const GOODBYE_MAX: Duration = Duration::from_millis(200);

/// Where Redis is, and who may speak.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://user:password@host:6379`, or `rediss://` for TLS.
    pub url: String,
    /// Who signed the server's certificate, as PEM; else the system's authorities are asked.
    pub authority: Option<Vec<u8>>,
    /// The database's name and key, the same for all its cores.
    pub cluster: (String, Vec<u8>),
    /// This core's number.
    pub core: u64,
}

/// Why there is no way to Redis, whatever it answers.
#[derive(Debug, thiserror::Error)]
#[error("the address of the bus cannot be used: {0}")]
pub struct NoRedis(#[from] RedisError);

/// The way to the other cores.
pub struct Redis {
    client: Client,
    channel: String,
    seal: Seal,
    core: u64,
    number: u64,
    outgoing: Outgoing,
    peers: Peers,
    ears: Ears,
    health: Health,
}

impl Redis {
    /// Prepares the way. What is put into `outgoing` is told once [`Redis::run`] runs.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(
        config: RedisConfig,
        outgoing: Outgoing,
        ears: Ears,
        health: Health,
    ) -> Result<Redis, NoRedis> {
        let info = config.url.as_str().into_connection_info()?;
        // Pushed messages and answers share a connection only in the newer protocol.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let info = info.set_redis_settings(settings);
        let client = if config.url.starts_with("rediss") || config.url.starts_with("valkeys") {
            // Another part of the process may have installed the same one.
            let _ = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider().install_default();
            let certificates = TlsCertificates { client_tls: None, root_cert: config.authority };
            Client::build_with_tls(info, certificates)?
        } else {
            Client::open(info)?
        };
        let (name, key) = config.cluster;
        let channel = format!("roomcast:{name}");
        let seal = Seal::new(&key, &channel);
        let (core, number, peers) = (config.core, 0, Peers::default());
        Ok(Redis { client, channel, seal, core, number, outgoing, peers, ears, health })
    }

    /// Speaks and hears, until `stop`; connects again however often it must.
    pub async fn run(mut self, stop: CancellationToken) {
        let (mut pauses, mut is_told) = (Pauses::default(), false);
        loop {
            let began = Instant::now();
            let ended = stop.run_until_cancelled(self.converse()).await;
            self.outgoing.set_open(false);
            let Some(reason) = ended else { return self.part().await };
            let has_heard = self.health.hearing() != Hearing::Down;
            is_told &= !has_heard;
            let held = if has_heard { began.elapsed() } else { Duration::ZERO };
            self.health.set(Hearing::Down);
            metrics::gauge!("roomcast_bus_up").set(0.0);
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!(%reason, "redis is lost; delivery goes on from the log");
            }
            let sleep = tokio::time::sleep(pauses.after(held));
            if stop.run_until_cancelled(sleep).await.is_none() {
                return;
            }
        }
    }

    /// One connection's life. Answers why it ended.
    async fn converse(&mut self) -> RedisError {
        let (inlet, heard) = inlet::open();
        let connection = match self.connect(inlet).await {
            Ok(connection) => connection,
            Err(error) => return error,
        };
        self.outgoing.set_open(true);
        self.peers.excuse(Instant::now());
        let mut voice = Voice {
            connection,
            channel: &self.channel,
            seal: &self.seal,
            core: self.core,
            number: &mut self.number,
        };
        let mut listening = Listening {
            ears: &self.ears,
            seal: &self.seal,
            core: self.core,
            peers: &mut self.peers,
            health: &self.health,
            own: Instant::now(),
        };
        tokio::select! {
            error = voice.speak(&self.outgoing) => error,
            error = listening.listen(heard) => error,
        }
    }

    async fn connect(&self, inlet: Inlet) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_MAX))
            .set_response_timeout(Some(ANSWER_MAX))
            .set_push_sender(move |push| inlet.put(push));
        let client = &self.client;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(&self.channel).await?;
        Ok(connection)
    }

    /// Says goodbye, so that nobody misses this core.
    async fn part(mut self) {
        let part = async {
            let (inlet, _heard) = inlet::open();
            let connection = self.connect(inlet).await?;
            let (channel, seal, number) = (&self.channel, &self.seal, &mut self.number);
            let mut voice = Voice { connection, channel, seal, core: self.core, number };
            voice.say(Batch { is_last: true, ..Batch::default() }).await
        };
        // Others notice without it, a little later.
        let _ = tokio::time::timeout(GOODBYE_MAX, part).await;
    }
}

/// Without the address, which holds a password, and without the key.
impl fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Redis").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// As above.
impl fmt::Debug for RedisConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedisConfig").field("core", &self.core).finish_non_exhaustive()
    }
}
