//! One core: its two connections, and whether it answered last.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    transport::{Channel, ClientTlsConfig, Endpoint, Error},
};
use tower::Service;

use super::{CONNECT_TIMEOUT, Credential, heard::Heard};

/// A connection without traffic is asked for a sign of life this often: a core that vanished without a
/// word is noticed within this and the next.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Window of one stream: TCP must not become a hidden queue in front of the bounded ones.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Window of a connection: enough that many unread streams do not stall the others.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// A core that could not be reached is passed over for this long when there are others.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Core {
    calls: Line,
    stream: Line,
}

impl Core {
    pub(super) fn new(
        address: &str,
        tls: Option<&ClientTlsConfig>,
        credential: Credential,
        heard: Heard,
    ) -> Result<Self, Error> {
        let mut endpoint = Endpoint::from_shared(address.to_owned())?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if let Some(tls) = tls {
            endpoint = endpoint.tls_config(tls.clone())?;
        }
        let health = Arc::new(Health { started: Instant::now(), down_until_ms: AtomicU64::new(0) });
        let line = || Line {
            channel: endpoint.connect_lazy(),
            credential: credential.clone(),
            heard: heard.clone(),
            health: Arc::clone(&health),
        };
        Ok(Self { calls: line(), stream: line() })
    }

    pub(super) fn calls(&self) -> Line {
        self.calls.clone()
    }

    pub(super) fn stream(&self) -> Line {
        self.stream.clone()
    }

    pub(super) fn is_up(&self, now: Instant) -> bool {
        self.calls.health.is_up(now)
    }
}

/// Whether a core answered last, learned from the calls themselves.
#[derive(Debug)]
struct Health {
    started: Instant,
    down_until_ms: AtomicU64,
}

impl Health {
    fn is_up(&self, now: Instant) -> bool {
        self.since_start(now) >= self.down_until_ms.load(Ordering::Relaxed)
    }

    fn failed(&self, now: Instant) {
        self.down_until_ms.store(self.since_start(now + REST_AFTER_FAILURE), Ordering::Relaxed);
    }

    fn answered(&self) {
        self.down_until_ms.store(0, Ordering::Relaxed);
    }

    fn since_start(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

/// One connection to a core that shows the edge's own credential with every call.
#[derive(Debug, Clone)]
pub struct Line {
    channel: Channel,
    credential: Credential,
    heard: Heard,
    health: Arc<Health>,
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context).map_err(|error| {
            self.health.failed(Instant::now());
            Status::from_error(Box::new(error))
        })
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        match self.credential.header() {
            Ok(Some(token)) => {
                request.headers_mut().insert(Credential::HEADER, token);
            }
            Ok(None) => {}
            Err(status) => return Box::pin(std::future::ready(Err(status))),
        }
        if let Some(cursor) = self.heard.header() {
            request.headers_mut().insert(Heard::HEADER, cursor);
        }
        let health = Arc::clone(&self.health);
        let answer = self.channel.call(request);
        Box::pin(async move {
            answer.await.inspect(|_| health.answered()).map_err(|error| {
                health.failed(Instant::now());
                Status::from_error(Box::new(error))
            })
        })
    }
}
