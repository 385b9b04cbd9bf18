//! The edge's door: accepts connections, bounds them, and serves HTTP/1.1 on each.
//!
//! ```text
//!  accept ─▶ a place? ─▶ PROXY header, if a trusted proxy ─▶ a place for this address?
//!    ─▶ TLS handshake, if any ─▶ lane ─▶ inlet ─▶ HTTP, each request with its client's address
//! ```
//!
//! Every byte of HTTP, polling and WebSocket passes through a [`Lane`], which ends a connection whose
//! peer stops reading: Socket.IO itself waits for such a peer for ever. Nothing here waits without a
//! deadline, and whatever is turned away is counted.

mod address;
mod caps;
mod door;
mod frames;
mod inlet;
pub mod proxy;
mod tls;

pub use address::{ClientAddress, Network, TrustedProxies};
pub use caps::{Caps, Held};
pub use door::Door;
pub use frames::Frames;

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use self::{
    door::Entered,
    inlet::{Inlet, Speech},
};
use crate::lane::{Lane, Lanes};

/// A request's head must arrive within this, also on a connection kept alive: slow ones hold a place.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of one request: more than proxies and browsers add together.
const HEADERS_MAX: usize = 100;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// After an accept failed, as it does when the process has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Requests under way when the edge shuts down have this long to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Accepts connections until `shutdown`, then lets the requests under way end.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    lanes: Lanes,
    door: Door,
    shutdown: CancellationToken,
) {
    let _flushers = lanes.run();
    let _watch = door.watch();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = door.place(&stream) else { continue };
        let (app, lanes, door) = (app.clone(), lanes.clone(), door.clone());
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let Some(entered) = door.enter(stream, peer, place, &lanes).await else { return };
            let Entered { io, lane, address, held } = entered;
            let speech = Arc::<Speech>::default();
            let inlet = Inlet::new((io, Arc::clone(&lane)), Arc::clone(&speech), held);
            let visit = Visit { lane, speech, peer, address, proxies: door.proxies().clone() };
            connection(inlet, visit, app, shutdown).await;
        });
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "requests did not end in time");
    }
}

/// What every request of a connection is told about it.
#[derive(Clone)]
struct Visit {
    lane: Arc<Lane>,
    speech: Arc<Speech>,
    peer: SocketAddr,
    /// The peer's, or whom a proxy said it speaks for.
    address: IpAddr,
    proxies: TrustedProxies,
}

impl Visit {
    async fn answer(self, app: Router, mut request: Request<Incoming>) -> Answer {
        let client = self.proxies.client(self.address, request.headers());
        request.extensions_mut().insert(client);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(Arc::clone(&self.lane));
        let is_fresh = !request.uri().query().is_some_and(|query| query.contains("sid="));
        let answer = app.oneshot(request.map(Body::new)).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.lane.begin_upgrade();
            self.speech.become_frames(is_fresh);
        }
        Ok(answer)
    }
}

type Answer = Result<axum::response::Response, Infallible>;

async fn connection(inlet: Inlet, visit: Visit, app: Router, shutdown: CancellationToken) {
    let service = service_fn(move |request| visit.clone().answer(app.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(inlet), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let end = tokio::select! {
        end = connection.as_mut() => end,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = end {
        let reason = ended_early(&error);
        metrics::counter!("roomcast_edge_connection_errors_total", "reason" => reason).increment(1);
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Why HTTP gave a connection up, in words that a metric can have.
fn ended_early(error: &hyper::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "slow_head",
        error if error.is_parse_too_large() => "large_head",
        error if error.is_parse() => "not_http",
        error if error.is_incomplete_message() => "cut_off",
        _ => "broken",
    }
}

/// One of the named limits turned somebody away.
pub(crate) fn limit_hit(limit: &'static str) {
    metrics::counter!("roomcast_edge_limits_hit_total", "limit" => limit).increment(1);
}
