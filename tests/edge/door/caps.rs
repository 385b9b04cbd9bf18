//! How many may come in at once, of each kind.

use crate::{
    edge::Edge,
    raw::{Answer, POLLING},
};

fn is_too_many(answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_connections"));
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
}

#[tokio::test]
async fn an_address_has_its_share_of_connections_and_gets_back_what_it_lets_go() {
    let edge = Edge::start(|config| config.connections_per_address_max = 2).await;
    let mut held = edge.raw_from("127.0.0.2").await;
    assert_eq!(held.get("/livez").await.status, 200);
    let socket = edge.raw_from("127.0.0.2").await.connected().await;
    is_too_many(&edge.raw_from("127.0.0.2").await.answer().await.unwrap());
    assert_eq!(edge.raw_from("127.0.0.3").await.get("/livez").await.status, 200);
    // A WebSocket holds its place as HTTP does.
    drop(socket);
    loop {
        let mut again = edge.raw_from("127.0.0.2").await;
        again.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        if again.answer().await.is_some_and(|answer| answer.status == 200) {
            break;
        }
    }
}

#[tokio::test]
async fn the_edge_has_so_many_places_in_all() {
    let edge = Edge::start(|config| config.connections_max = 1).await;
    let mut held = edge.raw().await;
    assert_eq!(held.get("/livez").await.status, 200);
    is_too_many(&edge.raw_from("127.0.0.2").await.answer().await.unwrap());
}

#[tokio::test]
async fn an_address_has_so_many_sessions_that_nobody_has_shown_a_token_for() {
    let edge = Edge::start(|config| config.pending_per_address_max = 2).await;
    let pending = edge.raw().await.opened().await;
    let mut polling = edge.raw().await;
    let path = format!("{POLLING}&sid={}", polling.get(POLLING).await.sid());
    is_too_many(&edge.raw().await.get(POLLING).await);
    is_too_many(&edge.raw().await.upgrade("", "").await);
    assert_eq!(edge.raw_from("127.0.0.2").await.get(POLLING).await.status, 200);
    // Who has shown a token counts as its user's.
    polling.ask("POST", &path, "", "40").await;
    assert!(polling.get(&path).await.body.contains("40{"));
    let another = edge.raw().await.opened().await;
    is_too_many(&edge.raw().await.get(POLLING).await);
    drop((pending, another));
    while edge.raw().await.get(POLLING).await.status != 200 {}
}

#[tokio::test]
async fn a_user_has_so_many_sockets() {
    let edge = Edge::start(|config| config.sockets_per_user_max = 1).await;
    let first = edge.raw().await.connected().await;
    let mut second = edge.raw().await.opened().await;
    second.say("40").await;
    let refused = second.packet("44").await.unwrap();
    assert!(refused.contains("too_many_connections"), "{refused}");
    drop(first);
    loop {
        second.say("40").await;
        if second.packet("4").await.unwrap().starts_with("40") {
            break;
        }
    }
}
