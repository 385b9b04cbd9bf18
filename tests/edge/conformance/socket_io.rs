//! Socket.IO v5. What it shares with Engine.IO is asked again at its own path.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Frames, Suite, is_opening};

const PATH: &str = "socket.io";

/// Connected to the main namespace, its greeting read.
async fn connected(suite: &Suite) -> Frames {
    let mut frames = suite.opened().await;
    frames.say("40").await;
    assert!(frames.packet().await.starts_with("40{"));
    assert_eq!(frames.packet().await, r#"42["auth",{}]"#);
    frames
}

#[tokio::test]
async fn both_transports_open_a_session_and_refuse_what_engine_io_refuses() {
    let suite = Suite::start(PATH).await;
    let opened = suite.ask(Method::GET, "EIO=4&transport=polling", "").await;
    is_opening(&opened.text, json!(["websocket"]));
    let mut frames = suite.websocket("EIO=4&transport=websocket").await.unwrap();
    is_opening(&frames.text().await, json!([]));
    for query in ["transport=polling", "EIO=abc&transport=polling", "EIO=4", "EIO=4&transport=abc"]
    {
        assert_eq!(suite.ask(Method::GET, query, "").await.status, 400, "{query}");
        let query = query.replace("polling", "websocket");
        assert!(suite.websocket(&query).await.is_none(), "{query}");
    }
    for method in [Method::POST, Method::PUT] {
        assert_eq!(suite.ask(method, "EIO=4&transport=polling", "").await.status, 400);
    }
}

#[tokio::test]
async fn pings_come_after_an_interval_and_a_pong_keeps_the_session() {
    let suite = Suite::start(PATH).await;
    // More than a session lives without a pong, and well before CONNECT is due: the suites give it a second.
    let sid = suite.session().await;
    let mut frames = suite.opened().await;
    for _ in 0..2 {
        let polled = suite.poll(&sid).await;
        assert_eq!((polled.status, polled.text.as_str()), (200, "2"));
        assert_eq!(suite.post(&sid, "3").await.status, 200);
        assert_eq!(frames.text().await, "2");
        frames.say("3").await;
    }
}

#[tokio::test]
async fn a_session_ends_without_a_pong_and_at_its_clients_word() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    suite.opened().await.closed().await;
    assert_eq!(suite.poll(&sid).await.status, 400);
    suite.lets_clients_go().await;
}

#[tokio::test]
async fn a_session_moves_and_its_old_ways_are_closed() {
    let suite = Suite::start(PATH).await;
    let sid = suite.session().await;
    let mut frames = suite.probed(&sid).await;
    frames.say("5").await;
    frames.say("40").await;
    assert!(frames.packet().await.starts_with("40{"));
    suite.knows_one_way_to(&sid).await;
}

#[tokio::test]
async fn namespaces_are_entered_with_and_without_a_payload() {
    let suite = Suite::start(PATH).await;
    for (packet, reply, greeting) in [
        ("40", "40", r#"42["auth",{}]"#),
        (r#"40{"token":"123"}"#, "40", r#"42["auth",{"token":"123"}]"#),
        ("40/custom,", "40/custom,", r#"42/custom,["auth",{}]"#),
        (r#"40/custom,{"token":"abc"}"#, "40/custom,", r#"42/custom,["auth",{"token":"abc"}]"#),
    ] {
        let mut frames = suite.opened().await;
        frames.say(packet).await;
        let entered = frames.packet().await;
        let entered: Value = serde_json::from_str(entered.strip_prefix(reply).unwrap()).unwrap();
        assert!(entered["sid"].is_string());
        assert_eq!(entered.as_object().unwrap().len(), 1);
        assert_eq!(frames.packet().await, greeting);
    }
}

#[tokio::test]
async fn an_unknown_namespace_is_refused() {
    let suite = Suite::start(PATH).await;
    let mut frames = suite.opened().await;
    frames.say("40/random").await;
    assert_eq!(frames.packet().await, r#"44/random,{"message":"Invalid namespace"}"#);
}

#[tokio::test]
async fn a_session_that_enters_no_namespace_ends() {
    let suite = Suite::start(PATH).await;
    let mut frames = suite.opened().await;
    frames.say("4abc").await;
    frames.closed().await;
    let mut frames = suite.opened().await;
    for _ in 0..2 {
        // It is not for want of a pong.
        assert_eq!(frames.text().await, "2");
        frames.say("3").await;
    }
    frames.closed().await;
}

#[tokio::test]
async fn a_namespace_is_left_and_the_connection_stays() {
    let suite = Suite::start(PATH).await;
    let mut frames = connected(&suite).await;
    frames.say("41").await;
    assert_eq!(frames.text().await, "2");

    let mut frames = connected(&suite).await;
    frames.say("40/custom").await;
    assert!(frames.packet().await.starts_with("40/custom,"));
    assert_eq!(frames.packet().await, r#"42/custom,["auth",{}]"#);
    frames.say("41/custom").await;
    frames.say(r#"42["message","message to main namespace"]"#).await;
    assert_eq!(frames.packet().await, r#"42["message-back","message to main namespace"]"#);
}

#[tokio::test]
async fn messages_come_back_as_they_were_with_attachments_and_acknowledgements() {
    let suite = Suite::start(PATH).await;
    let two = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    for (packet, expected) in [
        (
            r#"42["message",1,"2",{"3":[true]}]"#.to_owned(),
            r#"42["message-back",1,"2",{"3":[true]}]"#.to_owned(),
        ),
        (
            r#"42456["message-with-ack",1,"2",{"3":[false]}]"#.to_owned(),
            r#"43456[1,"2",{"3":[false]}]"#.to_owned(),
        ),
        (format!(r#"452-["message",{two}"#), format!(r#"452-["message-back",{two}"#)),
        (format!(r#"452-789["message-with-ack",{two}"#), format!("462-789[{two}")),
    ] {
        let mut frames = connected(&suite).await;
        frames.say(&packet).await;
        let has_attachments = expected.contains("_placeholder");
        if has_attachments {
            frames.say_bytes(&[1, 2, 3]).await;
            frames.say_bytes(&[4, 5, 6]).await;
        }
        assert_eq!(frames.packet().await, expected);
        if has_attachments {
            assert_eq!(frames.bytes().await, [1, 2, 3]);
            assert_eq!(frames.bytes().await, [4, 5, 6]);
        }
    }
}

#[tokio::test]
async fn packets_of_an_invalid_format_end_the_connection() {
    let suite = Suite::start(PATH).await;
    for packet in ["4abc", "42{}", r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#] {
        let mut frames = connected(&suite).await;
        frames.say(packet).await;
        frames.closed().await;
    }
}
