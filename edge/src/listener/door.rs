//! Who may come in: how many at once, from where, and how they must begin.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::ensure;
use roomcast_proto::registry::Code;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};

use super::{Caps, ClientAddress, Held, Network, TrustedProxies, limit_hit, proxy, tls::Tls};
use crate::{
    config::{Config, Switch},
    lane::{Io, Lane, Lanes},
};

/// A PROXY header and a TLS handshake must be over within this: until then nobody knows who it is.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that vanished without a word is noticed by the system after a minute of silence: REST and
/// server-sent events have no pings of their own.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);
const KEEPALIVE_TRIES: u32 = 3;

/// The door of one listener. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Door {
    places: Arc<Semaphore>,
    addresses: Caps<Network>,
    proxies: TrustedProxies,
    proxy_protocol: Switch,
    tls: Option<Tls>,
}

/// Somebody who has come in.
pub(super) struct Entered {
    pub(super) io: Io,
    pub(super) lane: Arc<Lane>,
    /// The peer's address, or whom a trusted proxy said it speaks for.
    pub(super) address: IpAddr,
    pub(super) held: Option<Held<Network>>,
}

impl Door {
    /// As it is configured.
    ///
    /// # Errors
    /// When the certificate is not usable, or nobody is trusted to speak the PROXY protocol.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        ensure!(
            config.proxy_protocol == Switch::Off || !config.trusted_proxies.is_empty(),
            "proxy-protocol is on, and trusted-proxies names nobody who may speak it"
        );
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::load(certificate, key)?),
            _ => None,
        };
        Ok(Self {
            places: Arc::new(Semaphore::new(config.connections_max)),
            addresses: Caps::new(config.connections_per_address_max),
            proxies: TrustedProxies::new(&config.trusted_proxies),
            proxy_protocol: config.proxy_protocol,
            tls,
        })
    }

    pub(super) fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }

    /// Looks for new certificates for as long as the set is kept.
    pub(super) fn watch(&self) -> JoinSet<()> {
        let watched = self.tls.clone().map(|tls| async move {
            if let Err(error) = tls.watch().await {
                tracing::warn!(%error, "certificates are not reloaded");
            }
        });
        watched.into_iter().collect()
    }

    /// A place for one more connection, or a word of refusal.
    pub(super) fn place(&self, stream: &TcpStream) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        if place.is_none() {
            self.refuse(stream, "connections");
        }
        place
    }

    /// Everything that comes before the first request.
    pub(super) async fn enter(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        lanes: &Lanes,
    ) -> Option<Entered> {
        prepare(&stream).ok()?;
        let is_proxy = self.proxies.contains(peer.ip());
        let mut address = peer.ip().to_canonical();
        if is_proxy && self.proxy_protocol == Switch::On {
            match timeout(HANDSHAKE_TIMEOUT, proxy::read(&mut stream)).await {
                Ok(Ok(source)) => address = source.map_or(address, |source| source.ip()),
                Ok(Err(error)) => return failed("proxy", &error),
                Err(_) => return failed("timeout", &"the PROXY header did not come"),
            }
        }
        // A proxy stands for many, and each of its requests says for whom.
        let held = if is_proxy && address == peer.ip().to_canonical() {
            None
        } else {
            let held = self.addresses.hold(ClientAddress(address).network());
            if held.is_none() {
                self.refuse(&stream, "connections_per_address");
                return None;
            }
            held
        };
        let (io, lane) = match &self.tls {
            None => lanes.open(stream, place),
            Some(tls) => match timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => lanes.open(stream, place),
                Ok(Err(error)) => return failed("tls", &error),
                Err(_) => return failed("timeout", &"the TLS handshake did not end"),
            },
        };
        Some(Entered { io, lane, address, held })
    }

    /// Says why before hanging up: a browser shows nothing for a connection that is just closed. Under
    /// TLS it would cost a handshake to say it, which is what is refused.
    fn refuse(&self, stream: &TcpStream, limit: &'static str) {
        let entry = Code::TooManyConnections.entry();
        metrics::counter!("roomcast_edge_refusals_total", "code" => entry.code).increment(1);
        limit_hit(limit);
        if self.tls.is_some() {
            return;
        }
        let body = format!(
            r#"{{"type":"/docs#{}","title":"{}","status":{},"code":"{}","detail":"{}","retryable":{}}}"#,
            entry.code, entry.cause, entry.http, entry.code, entry.mend, entry.retryable
        );
        let answer = format!(
            "HTTP/1.1 {} Too Many Requests\r\ncontent-type: application/problem+json\r\n\
             retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            entry.http,
            body.len()
        );
        // A fresh connection's buffer is empty, so the answer is taken whole or the peer has gone.
        let _ = stream.try_write(answer.as_bytes());
    }
}

/// Small frames must not wait for the acknowledgement of the ones before; peers that vanish are noticed.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn failed(reason: &'static str, error: &dyn std::fmt::Display) -> Option<Entered> {
    metrics::counter!("roomcast_edge_handshake_failures_total", "reason" => reason).increment(1);
    tracing::debug!(reason, %error, "a connection did not begin as it must");
    None
}
