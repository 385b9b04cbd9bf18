//! An edge that goes: who is served is served to the end, and nobody comes back with all the others.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{edge::Edge, raw::Raw};

const WINDOW_SECONDS: u64 = 2;
/// Each goes at a moment of its own within the window: the last of so many goes near its end.
const SOCKETS: usize = 20;

async fn edge() -> Edge {
    Edge::start(|config| config.drain_seconds = WINDOW_SECONDS).await
}

async fn sockets(edge: &Edge) -> Vec<Raw> {
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(edge.raw().await.connected().await);
    }
    sockets
}

#[tokio::test]
async fn what_was_asked_before_the_farewell_is_answered_before_it() {
    let asked = 100;
    let mut edge = edge().await;
    let mut socket = edge.raw().await.connected().await;
    for ack in 0..asked {
        socket.say(&format!(r#"42{ack}["ping",{{}}]"#)).await;
    }
    edge.drain();
    for ack in 0..asked {
        let answer = socket.packet("43").await.unwrap();
        assert!(answer.starts_with(&format!(r#"43{ack}[{{"ok":true"#)), "{answer}");
    }
    let closing = socket.packet(r#"42["closing""#).await.unwrap();
    assert!(closing.contains(r#""reason":"draining""#), "{closing}");
    assert!(closing.contains(r#""retry_after_ms":"#), "{closing}");
    assert_eq!(socket.packet("4").await, None);
    edge.ended().await;
}

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_and_new_sockets_are_not_let_in() {
    let mut edge = edge().await;
    let _keep_it_draining = sockets(&edge).await;
    let mut request = edge.raw().await;
    let body = r#"{"kind":"x"}"#;
    let head = format!(
        "POST /jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    request.write(head.as_bytes()).await;
    edge.drain();
    let ready = edge.raw().await.get("/readyz").await;
    assert_eq!((ready.status, ready.code().as_str()), (503, "draining"));
    let ready = edge.raw().await.get("/readyz?verbose").await;
    let told: Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!((ready.status, &told["refusal"]["part"]), (503, &Value::from("draining")), "{told}");
    assert!(told["refusal"]["mend"].as_str().is_some_and(|mend| !mend.is_empty()), "{told}");
    let mut late = edge.raw().await.opened().await;
    late.say("40").await;
    // It ends, and its client comes back by itself: after a refusal it would not.
    assert_eq!(late.packet("40").await, None);
    request.write(body.as_bytes()).await;
    // There is no core: what matters is that it is told so.
    assert_eq!(request.answer().await.unwrap().status, 503);
    edge.ended().await;
}

#[tokio::test]
async fn sockets_are_sent_away_one_after_the_other() {
    let mut edge = edge().await;
    let sockets = sockets(&edge).await;
    edge.drain();
    let goodbyes = sockets.into_iter().map(|mut socket| async move {
        assert!(socket.packet(r#"42["closing""#).await.is_some());
        Instant::now()
    });
    let mut moments = futures::future::join_all(goodbyes).await;
    moments.sort();
    let spread = moments[moments.len() - 1] - moments[0];
    // Twenty moments out of two seconds lie this close together once in a billion drains.
    assert!(spread > Duration::from_millis(500), "all within {spread:?}");
    edge.ended().await;
}
