//! Whose connection it is, behind proxies.

use roomcast_edge::{Config, config::Switch};

use crate::{edge::Edge, raw::POLLING};

const PROXY: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.3";

fn trusting(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.2/32".parse().unwrap()];
}

/// A header of version 2: from this address, port 4711, to 10.0.0.1, port 443.
fn header(source: [u8; 4]) -> Vec<u8> {
    let rest = [&source[..], &[10, 0, 0, 1, 0x12, 0x67, 1, 0xbb]].concat();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c", &rest[..]].concat()
}

#[tokio::test]
async fn a_trusted_proxy_says_whose_request_it_is_and_nobody_else_does() {
    let edge = Edge::start(|config| {
        trusting(config);
        config.pending_per_address_max = 1;
    })
    .await;
    let open = async |from: &str, forwarded: &str| {
        let header = format!("x-forwarded-for: {forwarded}\r\n");
        edge.raw_from(from).await.ask("GET", POLLING, &header, "").await.status
    };
    assert_eq!(open(PROXY, "198.51.100.1").await, 200);
    assert_eq!(open(PROXY, "198.51.100.1").await, 429);
    assert_eq!(open(PROXY, "6.6.6.6, 198.51.100.1").await, 429);
    assert_eq!(open(PROXY, "198.51.100.2").await, 200);
    assert_eq!(open(STRANGER, "198.51.100.3").await, 200);
    assert_eq!(open(STRANGER, "198.51.100.4").await, 429);
}

#[tokio::test]
async fn a_proxy_header_names_the_client_and_is_believed_of_trusted_proxies_alone() {
    let edge = Edge::start(|config| {
        trusting(config);
        config.proxy_protocol = Switch::On;
        config.connections_per_address_max = 1;
    })
    .await;
    let mut first = edge.raw_from(PROXY).await;
    first.write(&header([198, 51, 100, 1])).await;
    assert_eq!(first.get("/livez").await.status, 200);
    let mut second = edge.raw_from(PROXY).await;
    second.write(&header([198, 51, 100, 1])).await;
    assert_eq!(second.answer().await.unwrap().status, 429);
    let mut other = edge.raw_from(PROXY).await;
    other.write(&header([198, 51, 100, 2])).await;
    assert_eq!(other.get("/livez").await.status, 200);

    let mut stranger = edge.raw_from(STRANGER).await;
    stranger.write(&header([198, 51, 100, 3])).await;
    assert_eq!(stranger.answer().await.map(|answer| answer.status), Some(400));
    let mut bare = edge.raw_from(PROXY).await;
    bare.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(bare.answer().await.is_none(), "a trusted proxy must begin with a header");
}

#[tokio::test]
async fn a_proxy_header_that_does_not_come_is_not_waited_for() {
    let edge = Edge::start(|config| {
        trusting(config);
        config.proxy_protocol = Switch::On;
    })
    .await;
    let mut silent = edge.raw_from(PROXY).await;
    silent.write(&header([198, 51, 100, 1])[..10]).await;
    assert!(silent.ends_within(15).await, "the handshake's deadline is 10 s");
}

#[tokio::test]
async fn nobody_speaks_the_proxy_protocol_where_nobody_is_trusted() {
    let config = Config { proxy_protocol: Switch::On, ..Config::default() };
    let error = roomcast_edge::listener::Door::new(&config).unwrap_err();
    assert!(error.to_string().contains("trusted-proxies"), "{error}");
}
