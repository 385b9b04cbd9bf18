//! Engine.IO v4. Pings need no answer in most cases: they are over before the first.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::client::{Suite, UNTIL_IT_WAITS, is_opening};

const PATH: &str = "engine.io";
const POLLING: &str = "EIO=4&transport=polling";
/// Ping interval and timeout: a session that answers nothing lives no longer.
const LIFE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn polling_opens_a_session() {
    let suite = Suite::start(PATH).await;
    let opened = suite.ask(Method::GET, POLLING, "").await;
    assert_eq!(opened.status, 200);
    is_opening(&opened.text, json!(["websocket"]));
}

#[tokio::test]
async fn a_websocket_opens_a_session() {
    let suite = Suite::start(PATH).await;
    let mut frames = suite.websocket("EIO=4&transport=websocket").await.unwrap();
    is_opening(&frames.text().await, json!([]));
}

#[tokio::test]
async fn a_bad_version_transport_or_method_is_refused() {
    let suite = Suite::start(PATH).await;
    for query in ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc"]
    {
        assert_eq!(suite.ask(Method::GET, query, "").await.status, 400, "{query}");
    }
    for method in [Method::POST, Method::PUT] {
        assert_eq!(suite.ask(method.clone(), POLLING, "").await.status, 400, "{method}");
    }
    for query in
        ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
    {
        assert!(suite.websocket(query).await.is_none(), "{query}");
    }
}

#[tokio::test]
async fn polling_carries_one_packet_several_and_binary_ones() {
    let suite = Suite::start(PATH).await;
    for payload in ["4hello", "4test1\u{1e}4test2\u{1e}4test3", "4hello\u{1e}bAQIDBA=="] {
        let sid = suite.session().await;
        let posted = suite.post(&sid, payload).await;
        assert_eq!((posted.status, posted.text.as_str()), (200, "ok"));
        let polled = suite.poll(&sid).await;
        assert_eq!((polled.status, polled.text.as_str()), (200, payload));
    }
}

#[tokio::test]
async fn an_invalid_packet_ends_a_polling_session() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    assert_eq!(suite.post(&sid, "abc").await.status, 400);
    assert_eq!(suite.poll(&sid).await.status, 400);
}

#[tokio::test]
async fn a_second_poll_ends_the_session() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let second = async {
        // The first must wait already.
        tokio::time::sleep(UNTIL_IT_WAITS).await;
        suite.poll(&sid).await
    };
    let (first, second) = tokio::join!(suite.poll(&sid), second);
    assert_eq!((first.status, first.text.as_str()), (200, "1"));
    assert_eq!(second.status, 400);
    assert_eq!(suite.poll(&sid).await.status, 400);
}

#[tokio::test]
async fn a_poll_that_is_given_up_ends_the_session() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let given_up = timeout(UNTIL_IT_WAITS, suite.poll(&sid)).await;
    assert!(given_up.is_err(), "nothing was there to be polled");
    assert_eq!(suite.poll(&sid).await.status, 400);
}

#[tokio::test]
async fn a_websocket_carries_text_and_bytes() {
    let suite = Suite::start(PATH).await;
    let mut frames = suite.opened().await;
    frames.say("4hello").await;
    assert_eq!(frames.text().await, "4hello");
    frames.say_bytes(&[1, 2, 3, 4]).await;
    assert_eq!(frames.bytes().await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_invalid_packet_ends_a_websocket() {
    let suite = Suite::start(PATH).await;
    let mut frames = suite.opened().await;
    frames.say("abc").await;
    frames.closed().await;
}

#[tokio::test]
async fn pings_come_after_an_interval_and_a_pong_keeps_the_session() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let began = Instant::now();
    for _ in 0..3 {
        let polled = suite.poll(&sid).await;
        assert_eq!((polled.status, polled.text.as_str()), (200, "2"));
        assert_eq!(suite.post(&sid, "3").await.status, 200);
    }
    assert!(began.elapsed() > LIFE);
    let mut frames = suite.opened().await;
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(frames.text().await, "2");
        frames.say("3").await;
    }
    assert!(began.elapsed() > LIFE);
}

#[tokio::test]
async fn a_session_that_answers_no_ping_ends() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let mut frames = suite.opened().await;
    frames.closed().await;
    // As old as the other, which has ended.
    assert_eq!(suite.poll(&sid).await.status, 400);
}

#[tokio::test]
async fn a_client_ends_its_session() {
    Suite::start(PATH).await.lets_clients_go().await;
}

#[tokio::test]
async fn a_session_moves_from_polling_to_a_websocket() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let mut frames = suite.probed(&sid).await;
    let polled = suite.poll(&sid).await;
    assert_eq!((polled.status, polled.text.as_str()), (200, "6"));
    frames.say("5").await;
    frames.say("4hello").await;
    assert_eq!(frames.packet().await, "4hello");
}

#[tokio::test]
async fn requests_of_a_session_that_has_moved_are_refused_and_change_nothing() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let mut frames = suite.probed(&sid).await;
    frames.say("5").await;
    frames.say("4moved").await;
    assert_eq!(frames.packet().await, "4moved");
    suite.knows_one_way_to(&sid).await;
    frames.say("4hello").await;
    assert_eq!(frames.packet().await, "4hello");
}
