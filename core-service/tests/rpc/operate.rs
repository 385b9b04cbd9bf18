//! A core as whoever operates it meets it: how it begins and how it ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use roomcast_core::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Longest wait for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn serve(data_dir: PathBuf, page: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config { core_metrics_listen: Some(page), ..Config::development(data_dir) };
    roomcast_core::serve(config, listener().await.0, stop).await
}

/// Says something to the page of metrics as soon as it is there.
async fn say(page: SocketAddr, words: &[u8]) -> TcpStream {
    let connected = async {
        loop {
            match TcpStream::connect(page).await {
                Ok(connected) => return connected,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let mut connected = tokio::time::timeout(PATIENCE, connected).await.expect("a page");
    connected.write_all(words).await.expect("said");
    connected
}

#[tokio::test]
async fn a_core_that_cannot_have_its_page_begins_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (taken, page) = listener().await;
    let stop = CancellationToken::new();
    let refused = serve(folder.path().into(), page, stop.clone()).await;
    assert!(refused.is_err(), "the port is taken");
    drop(taken);
    let serving = tokio::spawn(serve(folder.path().into(), page, stop.clone()));
    let mut asked = say(page, b"GET /livez HTTP/1.0\r\n\r\n").await;
    let mut answer = String::new();
    asked.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with("ok\n"), "{answer}");
    stop.cancel();
    serving.await.expect("no panic").expect("it served in the same folder");
}

#[tokio::test]
async fn half_a_request_for_metrics_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let (free, page) = listener().await;
    drop(free);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(folder.path().into(), page, stop.clone()));
    let mut whole = say(page, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /li").await;
    let mut begun = [0; 12];
    whole.read_exact(&mut begun).await.expect("an answer: the rest is being read");
    stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, serving).await.expect("in time");
    ended.expect("no panic").expect("a good end");
}
