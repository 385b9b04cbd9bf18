//! Hostile frames, a row each: what is written, and what becomes of the connection.

use crate::{
    edge::Edge,
    raw::{Raw, TEXT, frame, part},
};

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It ends.
    Closed,
    /// It goes on as if nothing had been.
    Ignored,
    /// An error of this code, and it goes on.
    Told(&'static str),
    /// A packet that begins so, and it goes on.
    Answered(&'static str),
}

use Fate::{Answered, Closed, Ignored, Told};

/// What a message may have.
const MESSAGE_BYTES_MAX: usize = 1_000_000;

struct Row {
    name: &'static str,
    bytes: Vec<u8>,
    fate: Fate,
}

fn row(name: &'static str, bytes: Vec<u8>, fate: Fate) -> Row {
    Row { name, bytes, fate }
}

fn texts(name: &'static str, text: &str, fate: Fate) -> Row {
    row(name, frame(TEXT, text.as_bytes()), fate)
}

fn packets() -> Vec<Row> {
    let malformed = Told("malformed_message");
    let deep = format!(r#"42["join_job",{}1{}]"#, "[".repeat(5000), "]".repeat(5000));
    let long_name = format!(r#"42["{}"]"#, "x".repeat(10_000));
    vec![
        texts("an empty packet", "", Closed),
        texts("a packet type of nobody", "9", Closed),
        texts("a handshake from a client", "0{}", Closed),
        texts("a noop from a client", "6", Closed),
        texts("an upgrade of what is one", "5", Closed),
        texts("an empty message", "4", Closed),
        texts("an unknown packet", "4abc", Closed),
        texts("an event that is an object", "42{}", Closed),
        texts("an event of nothing", "42[]", Closed),
        texts("an event that is cut off", r#"42["ping""#, Closed),
        texts("an event whose name is a number", "42[1]", Closed),
        texts("an event whose name is an object", "42[{}]", Closed),
        texts("an event whose name is escaped", r#"42["p\u0069ng"]"#, Closed),
        texts("an acknowledgement's number that is none", r#"42abc["ping"]"#, Closed),
        texts(
            "an acknowledgement's number beyond all",
            r#"4299999999999999999999["ping"]"#,
            Ignored,
        ),
        texts("an acknowledgement that nobody asked for", "437[1]", Ignored),
        texts("a reserved name", r#"42["disconnect",{}]"#, malformed),
        texts("another reserved name", r#"42["connect_error",{}]"#, malformed),
        texts("an event that does not exist", r#"42["no_such_event",{}]"#, malformed),
        texts("a name of ten thousand letters", &long_name, malformed),
        texts("arguments of the wrong kind", r#"42["join_job","x"]"#, malformed),
        texts("arguments that are nested beyond reason", &deep, malformed),
        texts("a second CONNECT", "40", Ignored),
        texts("a CONNECT of another namespace", "40/nowhere,", Answered("44/nowhere,")),
        texts("an event for a namespace that is not", r#"42/nowhere,["ping"]"#, Ignored),
        texts("a refusal from a client", r#"44{"message":"x"}"#, Closed),
    ]
}

fn attachments() -> Vec<Row> {
    let binary = |bytes: &[u8]| frame(2, bytes);
    let one = r#"451-["ping",{"_placeholder":true,"num":0}]"#;
    let wrong = r#"451-["ping",{"_placeholder":true,"num":7}]"#;
    let then = |text: &str, more: Vec<u8>| [frame(TEXT, text.as_bytes()), more].concat();
    let large = vec![0; MESSAGE_BYTES_MAX - 10];
    vec![
        row("an attachment", then(one, binary(&[1])), Told("malformed_message")),
        row(
            "a placeholder that points nowhere",
            then(wrong, binary(&[1])),
            Told("malformed_message"),
        ),
        row("bytes of no event", binary(&[1, 2, 3]), Closed),
        texts("more attachments than are taken", r#"4511-["ping"]"#, Closed),
        texts("attachments beyond counting", r#"4599999999999999999999-["ping"]"#, Closed),
        row("a text instead of an attachment", then(one, frame(TEXT, b"42[\"ping\"]")), Closed),
        row(
            "attachments larger than a message",
            then(r#"452-["ping"]"#, [binary(&large), binary(&large)].concat()),
            Closed,
        ),
    ]
}

fn websocket() -> Vec<Row> {
    let mut unmasked = frame(TEXT, b"3");
    unmasked[1] = 1;
    unmasked.drain(2..6);
    let message = br#"42["ping",{}]"#;
    let mut crumbs = part(TEXT, &message[..1]);
    for byte in &message[1..message.len() - 1] {
        crumbs.extend(part(0, &[*byte]));
    }
    crumbs.extend(part(0x80, &message[message.len() - 1..]));
    let endless = part(TEXT, b"42[").repeat(2);
    let mut boundless = vec![0x81, 0x80 | 127];
    boundless.extend_from_slice(&(u64::MAX >> 1).to_be_bytes());
    boundless.extend_from_slice(&[0; 4]);
    let too_large = vec![b'x'; MESSAGE_BYTES_MAX + 1];
    vec![
        row("a frame without a mask", unmasked, Closed),
        row("text that is not UTF-8", frame(TEXT, &[b'4', b'2', 0xff, 0xfe]), Closed),
        row("a kind of frame that is not", frame(3, b"x"), Closed),
        row("a reserved bit", part(0xc1, b"3"), Closed),
        row("a ping that is too long", frame(9, &[0; 126]), Closed),
        row("a ping in pieces", part(9, b"x"), Closed),
        row("a piece of no message", part(0x80, b"x"), Closed),
        row("a message inside of another", endless, Closed),
        row("a message in pieces of a byte", crumbs, Answered(r#"42["pong""#)),
        row("a message that is too large", frame(TEXT, &too_large), Closed),
        row("a frame that claims to be boundless", boundless, Closed),
        row("a close with half a code", frame(8, &[3]), Closed),
        row("a close", frame(8, &[3, 232]), Closed),
    ]
}

fn floods() -> Vec<Row> {
    let pongs = frame(TEXT, b"3").repeat(20_000);
    let pings = frame(9, b"x").repeat(20_000);
    let connects = frame(TEXT, b"40/nowhere,").repeat(20_000);
    let crumbs = [part(TEXT, b"4"), part(0, b"x").repeat(20_000)].concat();
    vec![
        row("a flood of Engine.IO's pongs", pongs, Closed),
        row("a flood of WebSocket pings", pings, Closed),
        row("a flood of CONNECTs", connects, Closed),
        row("a flood of crumbs", crumbs, Closed),
    ]
}

#[tokio::test]
async fn hostile_frames_meet_the_fate_of_their_row_and_nobody_else_notices() {
    let edge = Edge::start(|_| {}).await;
    let before = resident();
    let rows = [packets(), attachments(), websocket(), floods()].into_iter().flatten();
    let mut wrong = Vec::new();
    for Row { name, bytes, fate } in rows {
        let socket = edge.raw().await.connected().await;
        let met = meet(socket, &bytes, fate).await;
        if met != fate {
            wrong.push(format!("{name}: {met:?} instead of {fate:?}"));
        }
        edge.is_well().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the process grew by {grown} bytes");
}

#[tokio::test]
async fn before_connect_nothing_but_connect_is_heard() {
    let edge = Edge::start(|_| {}).await;
    for packet in [r#"42["ping"]"#, "41", "437[1]"] {
        let mut socket = edge.raw().await.opened().await;
        socket.say(packet).await;
        assert_eq!(socket.packet("4").await, None, "{packet}");
    }
    edge.is_well().await;
}

/// What becomes of a connection after these bytes.
async fn meet(mut socket: Raw, bytes: &[u8], expected: Fate) -> Fate {
    socket.write(bytes).await;
    let begins = match expected {
        Told(_) => "42[\"error\"",
        Answered(begins) => begins,
        Closed | Ignored => "431",
    };
    socket.say(r#"421["ping",{}]"#).await;
    let Some(packet) = socket.packet(begins).await else { return Closed };
    if begins == "431" {
        return Ignored;
    }
    if socket.packet("431").await.is_none() {
        return Closed;
    }
    match expected {
        Told(code) if !packet.contains(code) => Told("something else"),
        Told(_) | Answered(_) | Closed | Ignored => expected,
    }
}

/// Resident memory of this process: the test's own and the edge's.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
