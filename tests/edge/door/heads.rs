//! Hostile requests, before any WebSocket: what each is answered.

use crate::{
    edge::Edge,
    raw::{POLLING, Raw},
};

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_connection_ended() {
    let edge = Edge::start(|_| {}).await;
    let many = "x: y\r\n".repeat(2000);
    let large = format!("x: {}\r\n", "y".repeat(200_000));
    let cases = [
        ("not http at all".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\r\n\r\n".to_owned(), 400),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{many}\r\n"), 431),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{large}\r\n"), 431),
        ("GET /livez HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n".to_owned(), 400),
        ("POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n".to_owned(), 400),
    ];
    for (bytes, status) in cases {
        let mut raw = edge.raw().await;
        raw.write(bytes.as_bytes()).await;
        raw.write(b"\r\n\r\n").await;
        let answer = raw.answer().await;
        let begin = &bytes[..bytes.len().min(40)];
        assert_eq!(answer.map(|answer| answer.status), Some(status), "{begin}");
    }
    edge.is_well().await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_given_up_at_its_deadline() {
    let edge = Edge::start(|_| {}).await;
    let mut raw = edge.raw().await;
    raw.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n").await;
    assert!(raw.ends_within(40).await, "the head's deadline is 30 s");
}

#[tokio::test]
async fn a_body_that_is_far_too_large_is_refused_before_it_comes() {
    let edge = Edge::start(|_| {}).await;
    let mut raw = edge.raw().await;
    let head = "POST /jobs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    raw.write(format!("{head}content-length: 1000000000\r\n\r\n{{").as_bytes()).await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(413));
}

#[tokio::test]
async fn engine_io_takes_what_its_protocol_says_and_no_more() {
    let edge = Edge::start(|_| {}).await;
    let cases = [
        ("GET", "/socket.io/".to_owned()),
        ("GET", "/socket.io/?EIO=3&transport=polling".to_owned()),
        ("GET", "/socket.io/?EIO=4&transport=carrier-pigeon".to_owned()),
        ("GET", "/socket.io/?EIO=4&transport=websocket".to_owned()),
        ("PUT", POLLING.to_owned()),
        ("POST", format!("{POLLING}&sid=AAAAAAAAAAAAAAAA")),
        ("POST", format!("{POLLING}&sid=%00")),
        ("POST", format!("{POLLING}&sid=")),
    ];
    for (method, path) in cases {
        let answer = edge.raw().await.ask(method, &path, "", "40").await;
        assert_eq!(answer.status, 400, "{method} {path}");
    }
    let too_large = "4".repeat(1_000_001);
    let separators = "\u{1e}".repeat(5000);
    let packets = ["40/nowhere,"; 2000].join("\u{1e}");
    // What is no packet of Socket.IO is taken, and ends its session.
    for (body, status, code) in [
        (too_large.as_str(), 413, "payload_too_large"),
        (&separators, 413, "payload_too_large"),
        (&packets, 413, "payload_too_large"),
        ("abc", 400, ""),
        ("4\u{1e}4\u{1e}", 200, ""),
        ("b!!!!", 400, ""),
        ("0{}", 400, ""),
    ] {
        let mut raw = edge.raw().await;
        let sid = raw.get(POLLING).await.sid();
        let answer = post(&mut raw, &sid, body).await;
        let begin = &body[..body.len().min(12)];
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{begin:?}");
        edge.is_well().await;
    }
}

async fn post(raw: &mut Raw, sid: &str, body: &str) -> crate::raw::Answer {
    raw.ask("POST", &format!("{POLLING}&sid={sid}"), "", body).await
}
