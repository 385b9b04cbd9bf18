//! The edge's door: accepts connections, bounds them, and serves HTTP/1.1 on each.
//!
//! Every byte of HTTP, polling and WebSocket passes through a [`Lane`], which ends a connection whose
//! peer stops reading: Socket.IO itself waits for such a peer for ever.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use roomcast_proto::registry::Code;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::lane::{Io, Lane, Lanes};

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
    connections_max: usize,
    shutdown: CancellationToken,
) {
    let _flushers = lanes.run();
    let places = Arc::new(Semaphore::new(connections_max));
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
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let (app, lanes) = (app.clone(), lanes.clone());
                let shutdown = shutdown.clone();
                connections.spawn(async move {
                    // Small frames must not wait for the acknowledgement of the ones before.
                    if stream.set_nodelay(true).is_ok() {
                        connection(lanes.open(stream, place), peer, app, shutdown).await;
                    }
                });
            }
            Err(_) => refuse(&stream),
        }
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "requests did not end in time");
    }
}

async fn connection(
    (io, lane): (Io, Arc<Lane>),
    peer: SocketAddr,
    app: Router,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&lane));
        let answer = app.clone().oneshot(request.map(Body::new));
        let lane = Arc::clone(&lane);
        async move {
            let answer = answer.await?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                lane.begin_upgrade();
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(io), service)
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
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Says why before hanging up: a browser shows nothing for a connection that is just closed.
fn refuse(stream: &TcpStream) {
    let entry = Code::TooManyConnections.entry();
    metrics::counter!("roomcast_edge_refusals_total", "code" => entry.code).increment(1);
    let body = format!(
        r#"{{"type":"about:blank","title":"{}","status":{},"code":"{}","detail":"{}"}}"#,
        entry.cause, entry.http, entry.code, entry.mend
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
