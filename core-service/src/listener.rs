//! The core's door for connections: accepts them, bounds them, and has each begin as it must.
//!
//! ```text
//!  accept ─▶ a place? ─▶ TLS handshake, if any ─▶ the preface of HTTP/2 ─▶ gRPC
//! ```
//!
//! gRPC's server waits for the first bytes of a connection without a deadline, and its keepalive begins after
//! them. So it gets only who has begun: whoever says nothing, half of it or something else is sent away
//! here, and is nobody whom a shutdown would wait for.

mod guest;
mod tls;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::guest::Place;
pub(crate) use self::guest::{Guest, Peer};
pub(crate) use self::tls::Tls;

/// From the accept to the end of the preface. Nobody knows until then who it is, and a peer that works needs
/// three round trips.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// After an accept failed, as it does when the process has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What a client of HTTP/2 says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How a connection is let in. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    places: Arc<Semaphore>,
    tls: Option<Tls>,
}

impl Entrance {
    /// For so many connections at once, over TLS if there is one.
    pub(crate) fn new(places: u32, tls: Option<Tls>) -> Entrance {
        let places = usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS);
        Entrance { places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))), tls }
    }

    /// A place for one more, or none.
    fn place(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok();
        if permit.is_none() {
            refused("full", &"as many connections as there may be");
        }
        permit.map(Place::new)
    }

    /// Somebody who begins in time.
    async fn enter(self, stream: TcpStream, address: SocketAddr, place: Place) -> Option<Guest> {
        match timeout(BEGIN_TIMEOUT, self.begin(stream, address, place)).await {
            Ok(Ok(guest)) => return Some(guest),
            Ok(Err((reason, error))) => refused(reason, &error),
            Err(_) => refused("timeout", &"it did not begin in time"),
        }
        None
    }

    async fn begin(self, stream: TcpStream, address: SocketAddr, place: Place) -> Begun {
        // Small frames must not wait for the acknowledgement of those before.
        stream.set_nodelay(true).map_err(|error| ("cut_off", error))?;
        let Some(tls) = &self.tls else {
            return guest(stream, Peer { address, is_certified: false }, place).await;
        };
        let stream = tls.accept(stream).await.map_err(|error| ("tls", error))?;
        let is_certified = tls::is_certified(&stream);
        guest(stream, Peer { address, is_certified }, place).await
    }
}

/// Who has begun, or why not.
type Begun = Result<Guest, (&'static str, io::Error)>;

/// Everybody who is let in, for as long as this is kept: then the port is closed, and who has not begun is
/// left.
pub(crate) fn guests(
    listener: TcpListener,
    entrance: Entrance,
) -> impl Stream<Item = io::Result<Guest>> {
    let state = (listener, entrance, JoinSet::new());
    stream::unfold(state, |(listener, entrance, mut entering)| async move {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        if let Some(place) = entrance.place() {
                            entering.spawn(entrance.clone().enter(stream, address, place));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(entered) = entering.join_next() => {
                    if let Ok(Some(guest)) = entered {
                        return Some((Ok(guest), (listener, entrance, entering)));
                    }
                }
            }
        }
    })
}

async fn guest<I>(mut io: I, peer: Peer, place: Place) -> Begun
where
    I: guest::Wire + 'static,
{
    preface(&mut io).await?;
    Ok(Guest::new(Box::new(io), peer, place))
}

/// Reads what must come first, and nothing after it.
async fn preface(io: &mut (impl AsyncRead + Unpin)) -> Result<(), (&'static str, io::Error)> {
    let mut read = vec![0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let more = io.read(&mut read[length..]).await.map_err(|error| ("cut_off", error))?;
        if more == 0 {
            return Err(("cut_off", ErrorKind::UnexpectedEof.into()));
        }
        length += more;
        if read[..length] != PREFACE[..length] {
            return Err(("not_http2", ErrorKind::InvalidData.into()));
        }
    }
    Ok(())
}

fn refused(reason: &'static str, error: &dyn std::fmt::Display) {
    metrics::counter!("roomcast_connections_refused_total", "reason" => reason).increment(1);
    tracing::debug!(reason, %error, "a connection is not let in");
}
