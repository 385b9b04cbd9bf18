//! Several cores, one of which is used: the way to them over which every call goes.
//!
//! The [`picker`] decides: it knows of each core what calls and probes have found, and which is this
//! program's *home*. Here is what drives it. [`Cores::watch`] probes the home and the next best over
//! the connection that calls take (`grpc.health.v1`), so a core that was killed, stands still or was
//! cut off is noticed within 1.6 s, and there is a connection to go on with. When the home changes,
//! what waits for the old one ends ([`cut`]): streams with `UNAVAILABLE`, to be opened again by those who
//! hold them; calls too, if the old home is lost, and those that may be repeated go to the next core by
//! themselves ([`Way`]).
//!
//! What never happens: a stream that moves by itself, a call that is made twice though the contract does
//! not say that it may ([`conduct`]).

mod conduct;
mod cut;
pub mod picker;
mod way;

pub use self::conduct::Repeatable;
pub use self::way::Way;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::{Channel, Endpoint, Error, Uri};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use self::conduct::Contract;
use self::cut::Cuts;
use self::picker::{Cause, Found, Move, PROBE_DEADLINE, Picker, Standing};
use crate::tls::Tls;

/// Longest wait for a connection to a core: there may be another.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection without traffic is asked for a sign of life this often; what the probes do not see is
/// one of two connections that died alone.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// See [`KEEPALIVE_INTERVAL`].
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Window of one stream: TCP must not become a hidden queue in front of the bounded ones.
const STREAM_WINDOW: u32 = 256 << 10;
/// Window of a connection: enough that many unread streams do not stall the others.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// The cores of one program. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Cores(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cores: Vec<Core>,
    picker: Mutex<Picker>,
    /// Wakes the watch when there is something to probe.
    doubts: Arc<Notify>,
    contract: Contract,
    began: Instant,
}

/// One core. Calls and streams never share a connection: a stream that nobody reads for a moment fills
/// the connection's window, and every call on it would wait behind it.
#[derive(Debug)]
struct Core {
    url: String,
    calls: Channel,
    streams: Channel,
    cuts: Cuts,
}

/// What is known of one of the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// How it was found.
    pub standing: Standing,
    /// Whether streams are there, and calls go there first.
    pub is_home: bool,
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the core's address {url:?} is not usable: {reason}")]
pub struct AddressError {
    /// The address.
    pub url: String,
    /// Why.
    pub reason: Unusable,
}

/// What is wrong with an address.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is no URL.
    #[error("it is no URL")]
    Malformed(#[source] Error),
    /// TLS cannot be set up with these certificates.
    #[error("its certificates are of no use: {}", root_cause(.0))]
    Certificates(#[source] Error),
    /// Nobody said who signed the core's certificate.
    #[error(
        "https takes the authority that signed the certificate (--core-ca, Builder::authority)"
    )]
    NoAuthority,
    /// Certificates are set, and the address is without TLS.
    #[error(
        "it is plain http, where certificates are neither checked nor shown: write https, or leave \
         --core-ca, --core-cert and --core-key away"
    )]
    Plain,
}

impl Cores {
    /// The cores at these addresses, of which there is at least one. Connects to none yet.
    ///
    /// # Errors
    /// When one is no URL, or its TLS settings are wrong.
    pub fn new(urls: &[String], tls: &Tls) -> Result<Cores, AddressError> {
        // Without chance all programs have the same home, which is worse but not wrong.
        let chance = getrandom::u64().unwrap_or(0);
        let cores = urls.iter().map(|url| {
            let endpoint =
                endpoint(url, tls).map_err(|reason| AddressError { url: url.clone(), reason })?;
            let (calls, streams) = (endpoint.connect_lazy(), endpoint.connect_lazy());
            Ok(Core { url: url.clone(), calls, streams, cuts: Cuts::default() })
        });
        let cores = cores.collect::<Result<Vec<Core>, AddressError>>()?;
        Ok(Cores(Arc::new(Shared {
            picker: Mutex::new(Picker::new(cores.len(), chance)),
            cores,
            doubts: Arc::default(),
            contract: Contract::read(),
            began: Instant::now(),
        })))
    }

    /// The home said that it ends, or answers as if it did: it is probed at once.
    pub fn doubt_home(&self) {
        let home = self.picker().home();
        self.doubt(home);
    }

    /// The address of the core that is used.
    #[must_use]
    pub fn home(&self) -> String {
        let home = self.picker().home();
        self.0.cores[home].url.clone()
    }

    /// What is known of each core, in the order in which they were named.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let picker = self.picker();
        let known =
            |core| Known { standing: picker.standing(core), is_home: core == picker.home() };
        (0..self.0.cores.len()).map(known).collect()
    }

    /// What the home says of a part of it, by the name under which its health service tells; none where it
    /// does not say.
    pub async fn health_of(&self, part: &str) -> Option<bool> {
        let home = self.picker().home();
        let mut health = HealthClient::new(self.0.cores[home].calls.clone());
        let check = health.check(HealthCheckRequest { service: part.to_owned() });
        let answer = tokio::time::timeout(PROBE_DEADLINE, check).await.ok()?.ok()?;
        Some(answer.get_ref().status() == ServingStatus::Serving)
    }

    /// Probes the cores and moves between them, until the last clone has gone. Without it calls are made
    /// and nothing is noticed.
    pub fn watch(&self) -> impl Future<Output = ()> + Send + use<> {
        watch(Arc::downgrade(&self.0))
    }

    /// A core, and what ends when it is left. The choice is made again once the end is known: of a core
    /// that was left in between, it would never come.
    fn choose(
        &self,
        choice: impl Fn(&Picker) -> Option<usize>,
        end: fn(&Cuts) -> CancellationToken,
    ) -> Option<(usize, CancellationToken)> {
        loop {
            let core = choice(&self.picker())?;
            let end = end(&self.0.cores[core].cuts);
            if choice(&self.picker()) == Some(core) {
                return Some((core, end));
            }
        }
    }

    fn doubt(&self, core: usize) {
        let now = self.0.began.elapsed();
        self.picker().doubt(core, now);
        self.0.doubts.notify_one();
    }

    fn picker(&self) -> MutexGuard<'_, Picker> {
        self.0.picker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // So that the watch, which holds no clone, sees that it is over.
        self.doubts.notify_one();
    }
}

type Probes = FuturesUnordered<BoxFuture<'static, (usize, Found, String)>>;

impl Shared {
    /// Begins the probes that are due. Answers how long none will be.
    fn begin(&self, probes: &Probes) -> Duration {
        let mut picker = self.picker.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.began.elapsed();
        for core in picker.due(now) {
            probes.push(Box::pin(probe(core, self.cores[core].calls.clone())));
        }
        picker.next().map_or(PROBE_DEADLINE, |at| at.saturating_sub(now))
    }

    /// `why` is for people, where nobody was found: a program without a core is otherwise silent.
    fn learn(&self, core: usize, found: Found, why: &str) {
        let now = self.began.elapsed();
        let mut picker = self.picker.lock().unwrap_or_else(PoisonError::into_inner);
        let was_lost = picker.standing(core) == Standing::Lost;
        let moved = picker.learn(core, found, now);
        // The home or not: calls go to others too, while the home is in doubt.
        let is_given_up = found == Found::Nobody
            && picker.pick(&[core]).is_some_and(|best| picker.standing(best) != Standing::Lost);
        drop(picker);
        let url = &self.cores[core].url;
        match (found, was_lost) {
            (Found::Nobody, false) => tracing::warn!(core = url, why, "the core does not answer"),
            (Found::Serving | Found::Refusing, true) => {
                tracing::info!(core = url, "the core answers again");
            }
            (Found::Nobody, true) | (Found::Serving | Found::Refusing, false) => {}
        }
        if is_given_up {
            self.cores[core].cuts.all();
        }
        let Some(Move { from, to, cause }) = moved else { return };
        let (from, to) = (&self.cores[from], &self.cores[to]);
        metrics::counter!("roomcast_core_moves_total", "cause" => word(cause)).increment(1);
        match cause {
            Cause::Lost => {
                tracing::warn!(core = from.url, to = to.url, "the core is lost; moving");
                from.cuts.all();
            }
            Cause::Refusing => {
                tracing::info!(core = from.url, to = to.url, "the core takes nothing more; moving");
                from.cuts.streams();
            }
            Cause::Return => {
                tracing::info!(core = from.url, to = to.url, "the core serves again; returning");
                from.cuts.streams();
            }
        }
    }
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Lost => "lost",
        Cause::Refusing => "refusing",
        Cause::Return => "return",
    }
}

async fn watch(shared: Weak<Shared>) {
    // Its growth wakes somebody: a counter that is first seen at 1 has not grown.
    metrics::counter!("roomcast_core_moves_total", "cause" => word(Cause::Lost)).increment(0);
    let Some(doubts) = shared.upgrade().map(|shared| shared.doubts.clone()) else { return };
    let mut probes = Probes::new();
    while let Some(pause) = shared.upgrade().map(|shared| shared.begin(&probes)) {
        let found = tokio::select! {
            Some(found) = probes.next() => Some(found),
            () = doubts.notified() => None,
            () = tokio::time::sleep(pause) => None,
        };
        if let (Some((core, found, why)), Some(shared)) = (found, shared.upgrade()) {
            shared.learn(core, found, &why);
        }
    }
}

async fn probe(core: usize, calls: Channel) -> (usize, Found, String) {
    let somebody = |found| (core, found, String::new());
    let nobody = |why| (core, Found::Nobody, why);
    let mut health = HealthClient::new(calls);
    let check = health.check(HealthCheckRequest::default());
    match tokio::time::timeout(PROBE_DEADLINE, check).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => {
            somebody(Found::Serving)
        }
        Ok(Ok(_)) => somebody(Found::Refusing),
        // It is there: too busy for this one, or behind something that knows no health.
        Ok(Err(status))
            if matches!(status.code(), Code::ResourceExhausted | Code::Unimplemented) =>
        {
            somebody(Found::Serving)
        }
        Ok(Err(status)) => nobody(root_cause(&status)),
        Err(_) => nobody("no answer in time".to_owned()),
    }
}

/// An address as [`Cores::new`] takes it, for a setting: a URL that says whether it is TLS.
///
/// # Errors
/// What is wrong with it, and how to write it.
pub fn url(text: &str) -> Result<String, String> {
    let text = text.trim();
    let scheme = text.parse::<Uri>().ok().and_then(|url| url.scheme_str().map(str::to_owned));
    match scheme.as_deref() {
        Some("http" | "https") => Ok(text.to_owned()),
        _ => Err("a core is http://host:50051, or https:// for TLS".to_owned()),
    }
}

pub(crate) fn endpoint(url: &str, tls: &Tls) -> Result<Endpoint, Unusable> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(Unusable::Malformed)?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let is_plain = endpoint.uri().scheme_str() != Some("https");
    match tls.config() {
        _ if is_plain && tls.is_empty() => Ok(endpoint),
        _ if is_plain => Err(Unusable::Plain),
        Some(config) => endpoint.tls_config(config).map_err(Unusable::Certificates),
        None => Err(Unusable::NoAuthority),
    }
}

/// What the layers of an error have at their bottom.
fn root_cause(error: &dyn std::error::Error) -> String {
    let deepest = std::iter::successors(Some(error), |error| error.source()).last();
    deepest.unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests;
