//! Sockets of no use: in no topic, and silent.

use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::{edge::Edge, raw::Raw};

const LIMIT_SECONDS: u64 = 1;
/// Between two words of a client that says something now and then.
const PACE: Duration = Duration::from_millis(100);

async fn edge() -> Edge {
    Edge::start(|config| config.idle_seconds = LIMIT_SECONDS).await
}

#[tokio::test]
async fn a_silent_socket_in_no_topic_is_told_why_disconnected_and_ended() {
    let edge = edge().await;
    let begin = Instant::now();
    let mut socket = edge.raw().await.connected().await;
    let closing = socket.packet("42[\"closing\"").await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(LIMIT_SECONDS), "{:?}", begin.elapsed());
    assert!(closing.contains(r#""reason":"idle""#), "{closing}");
    assert_eq!(socket.packet("4").await.as_deref(), Some("41"));
    assert_eq!(socket.packet("4").await, None);
    let nobody = r#""total_connections":0"#;
    while !edge.raw().await.get("/websocket/stats").await.body.contains(nobody) {}
}

#[tokio::test]
async fn who_says_something_now_and_then_stays() {
    let edge = edge().await;
    let mut socket = edge.raw().await.connected().await;
    assert_eq!(heard_while_it_talks(&mut socket).await, Vec::<String>::new());
    assert!(socket.packet("42[\"closing\"").await.is_some(), "once it is silent");
}

#[tokio::test]
async fn a_socket_whose_connection_carries_another_one_leaves_that_one_alone() {
    let edge = edge().await;
    let mut socket = edge.raw().await.connected().await;
    socket.say("40/graph,").await;
    assert!(socket.packet("40/graph,").await.is_some());
    let heard = heard_while_it_talks(&mut socket).await;
    assert!(heard.iter().any(|packet| packet == "41/graph,"), "{heard:?}");
    // It may come back by the same connection.
    socket.say("40/graph,").await;
    assert!(socket.packet("40/graph,").await.is_some());
}

/// Asks now and then, for longer than the limit. Answers what came in between that was no answer, nor
/// the greeting of a namespace.
async fn heard_while_it_talks(socket: &mut Raw) -> Vec<String> {
    let (mut heard, mut pace) = (Vec::new(), interval(PACE));
    let words = 3 * LIMIT_SECONDS * 1000 / PACE.as_millis() as u64;
    for ack in 0..words {
        pace.tick().await;
        socket.say(&format!(r#"42{ack}["ping",{{}}]"#)).await;
        loop {
            let packet = socket.packet("4").await.expect("its connection stays");
            if packet.starts_with(&format!("43{ack}[")) {
                break;
            }
            if !packet.contains(r#"["pong","#) && !packet.contains(r#"["connected","#) {
                heard.push(packet);
            }
        }
    }
    heard
}
