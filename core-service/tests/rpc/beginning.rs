//! Connections of peers that do not begin as they must, and the bound on those that do.

use std::sync::Arc;
use std::time::Duration;

use roomcast_core::Config;
use roomcast_identity::Scope;
use roomcast_proto::v1;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio_util::sync::CancellationToken;

use crate::core::{Core, request, serve, service};
use crate::pki::Pki;

/// Longest wait for what comes at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait for the end of who does not begin: its deadline is 10 s.
const BEGINNING: Duration = Duration::from_secs(30);
/// Longest wait for the end of who answers no ping: one is sent after 20 s and awaited for 10 s.
const SILENCE: Duration = Duration::from_secs(50);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frames of HTTP/2: settings that say nothing, and a ping with its answer.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0roomcast";
const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0roomcast";

fn address(core: &Core) -> &str {
    core.url.split("//").nth(1).expect("an address")
}

async fn says(core: &Core, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address(core)).await.expect("a connection");
    stream.write_all(bytes).await.expect("written");
    stream
}

/// Whether the core ends a connection within this time, with or without a word.
async fn ends(mut stream: impl AsyncRead + Unpin, within: Duration) -> bool {
    let mut buffer = [0; 1024];
    let end = async { while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {} };
    timeout(within, end).await.is_ok()
}

/// Whether a connection that has begun answers.
async fn answers(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> bool {
    let mut read = Vec::new();
    let answer = async {
        stream.write_all(PING).await?;
        while !read.windows(PONG.len()).any(|bytes| bytes == PONG) {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(false);
            }
        }
        std::io::Result::Ok(true)
    };
    timeout(PATIENCE, answer).await.expect("an answer or the end").unwrap_or(false)
}

async fn is_well(core: &Core) -> bool {
    let token = service(&[Scope::Service]);
    let list = request(v1::ListJobsRequest::default(), Some(&token), None);
    core.jobs().list_jobs(list).await.is_ok()
}

#[tokio::test]
async fn who_does_not_begin_is_sent_away_and_who_has_begun_stays() {
    let core = serve(|_, _| {}).await;
    let mut begun = says(&core, PREFACE).await;
    begun.write_all(SETTINGS).await.expect("written");
    let (silent, half) = (says(&core, b"").await, says(&core, &PREFACE[..12]).await);
    let other = says(&core, b"GET / HTTP/1.1\r\n").await;
    assert!(ends(other, PATIENCE).await, "what is no HTTP/2 needs no deadline");
    let ended = tokio::join!(ends(silent, BEGINNING), ends(half, BEGINNING));
    assert_eq!(ended, (true, true));
    assert!(answers(&mut begun).await, "the deadline is that of the beginning alone");
    assert!(is_well(&core).await);
}

#[tokio::test]
async fn over_tls_too_who_does_not_begin_is_sent_away() {
    let pki = Pki::new();
    let core = serve(|config, folder| pki.install(config, folder)).await;
    let mut roots = RootCertStore::empty();
    roots.add(pki.authority()).expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = || ServerName::try_from("localhost").expect("a name");

    let mut hello = Vec::new();
    let mut client = ClientConnection::new(Arc::clone(&config), name()).expect("a client");
    client.write_tls(&mut hello).expect("a hello");
    let (half, whole) = (says(&core, &hello[..hello.len() / 2]).await, says(&core, &hello).await);
    let tls = TlsConnector::from(config);
    let silent = tls.connect(name(), says(&core, b"").await).await.expect("a handshake");
    let mut begun = tls.connect(name(), says(&core, b"").await).await.expect("a handshake");
    begun.write_all(&[PREFACE, SETTINGS].concat()).await.expect("written");
    let plain = says(&core, PREFACE).await;
    assert!(ends(plain, PATIENCE).await, "what is no TLS needs no deadline");
    let ended =
        tokio::join!(ends(half, BEGINNING), ends(whole, BEGINNING), ends(silent, BEGINNING));
    assert_eq!(ended, (true, true, true));
    assert!(answers(&mut begun).await);
}

#[tokio::test]
async fn who_begins_and_answers_nothing_is_found_by_a_ping() {
    let core = serve(|_, _| {}).await;
    let only_preface = says(&core, PREFACE).await;
    assert!(ends(only_preface, SILENCE).await);
}

#[tokio::test]
async fn there_are_as_many_connections_as_the_core_has_places_for() {
    let core = serve(|config, _| config.connections_max = 2).await;
    let mut begun = says(&core, PREFACE).await;
    begun.write_all(SETTINGS).await.expect("written");
    assert!(answers(&mut begun).await);
    let silent = says(&core, b"").await;
    let more = TcpStream::connect(address(&core)).await.expect("a connection");
    assert!(ends(more, Duration::from_secs(5)).await, "before any deadline");
    assert!(answers(&mut begun).await);
    drop(silent);
    let comes_in = async { while !is_well(&core).await {} };
    timeout(PATIENCE, comes_in).await.expect("its place is another's");
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody_who_has_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::development(folder.path().join("data"));
    config.drain_seconds = 3600;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
    let _silent = TcpStream::connect(address).await.expect("a connection");
    // It came later, so the silent one has been accepted.
    let mut begun = TcpStream::connect(address).await.expect("a connection");
    begun.write_all(&[PREFACE, SETTINGS].concat()).await.expect("written");
    assert!(answers(&mut begun).await);
    drop(begun);
    stop.cancel();
    let ended = timeout(PATIENCE, serving).await.expect("it ends long before its window");
    ended.expect("no panic").expect("a good end");
}
