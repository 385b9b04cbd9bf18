//! TLS, and certificates that are replaced while connections stand.

use std::{path::Path, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Certificate, Client};
use tempfile::TempDir;

use crate::edge::Edge;

/// Longest wait for a certificate to be served.
const PATIENCE: Duration = Duration::from_secs(20);

/// A new certificate in the folder's files, and a client that trusts no other.
fn certified(folder: &Path) -> Client {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    // Both are written before they are looked at together.
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    let trusted = Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    Client::builder().tls_certs_only([trusted]).build().unwrap()
}

async fn tls_edge() -> (Edge, TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = certified(folder.path());
    let edge = Edge::start(|config| {
        config.tls_cert = Some(folder.path().join("cert.pem"));
        config.tls_key = Some(folder.path().join("key.pem"));
    })
    .await;
    (edge, folder, client)
}

async fn status(client: &Client, edge: &Edge) -> Option<u16> {
    let url = format!("https://localhost:{}/livez", edge.address.port());
    Some(client.get(url).send().await.ok()?.status().as_u16())
}

#[tokio::test]
async fn a_new_certificate_is_served_after_a_hangup_and_connections_stand() {
    let (edge, folder, first) = tls_edge().await;
    assert_eq!(status(&first, &edge).await, Some(200));
    let second = certified(folder.path());
    kill(Pid::this(), Signal::SIGHUP).unwrap();
    tokio::time::timeout(PATIENCE, async {
        while status(&second, &edge).await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    // It trusts the old certificate alone: this is the connection it had.
    assert_eq!(status(&first, &edge).await, Some(200));

    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    kill(Pid::this(), Signal::SIGHUP).unwrap();
    assert_eq!(status(&second, &edge).await, Some(200), "what is of no use is not served");
}

#[tokio::test]
async fn what_is_no_tls_is_turned_away() {
    let (edge, _folder, client) = tls_edge().await;
    let mut plain = edge.raw().await;
    plain.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(plain.answer().await.is_none());
    assert_eq!(status(&client, &edge).await, Some(200));
}

#[tokio::test]
async fn an_edge_does_not_start_with_files_that_do_not_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    certified(folder.path());
    let other = tempfile::tempdir().unwrap();
    certified(other.path());
    let config = roomcast_edge::Config {
        tls_cert: Some(folder.path().join("cert.pem")),
        tls_key: Some(other.path().join("key.pem")),
        ..roomcast_edge::Config::default()
    };
    assert!(roomcast_edge::listener::Door::new(&config).is_err());
}
