//! Whole messages and whole frames come out, in the order they were complete, however the writes of
//! the former are cut. A client's own implementation of WebSocket is the judge.

use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    Message as Received, WebSocket,
    protocol::{Role, frame::FrameHeader},
};

use super::*;
use crate::lane::text_frame;

/// What Socket.IO's side writes.
#[derive(Debug, Clone)]
enum Own {
    /// A text, in frames of these lengths.
    Text(Vec<usize>),
    Binary(usize),
    Ping,
    /// A text in two frames, with a ping between them.
    Interrupted(usize),
}

/// Raw frames of a server.
fn raw(is_final: bool, opcode: u8, payload: &[u8], bytes: &mut Vec<u8>) {
    let header = FrameHeader { is_final, opcode: opcode.into(), ..FrameHeader::default() };
    header.format(payload.len() as u64, bytes).unwrap();
    bytes.extend_from_slice(payload);
}

impl Own {
    /// Its bytes, and what a client sees of it.
    fn written(&self, number: usize) -> (Vec<u8>, Vec<Received>) {
        let mut bytes = Vec::new();
        let text = |length: usize| number.to_string() + &" ".repeat(length);
        let seen = match self {
            Self::Text(lengths) => {
                let whole: String = lengths.iter().map(|length| text(*length)).collect();
                for (at, length) in lengths.iter().enumerate() {
                    let opcode = if at == 0 { 1 } else { 0 };
                    raw(at == lengths.len() - 1, opcode, text(*length).as_bytes(), &mut bytes);
                }
                vec![Received::text(whole)]
            }
            Self::Binary(length) => {
                raw(true, 2, text(*length).as_bytes(), &mut bytes);
                vec![Received::binary(text(*length).into_bytes())]
            }
            Self::Ping => {
                raw(true, 9, text(3).as_bytes(), &mut bytes);
                vec![Received::Ping(text(3).into_bytes().into())]
            }
            Self::Interrupted(length) => {
                raw(false, 1, text(*length).as_bytes(), &mut bytes);
                raw(true, 9, b"", &mut bytes);
                raw(true, 0, b".", &mut bytes);
                vec![Received::Ping(Vec::new().into()), Received::text(text(*length) + ".")]
            }
        };
        (bytes, seen)
    }
}

fn own() -> impl Strategy<Value = Own> {
    let length = || prop_oneof![0..130_usize, Just(125), Just(126), Just(65_535), Just(65_536)];
    prop_oneof![
        length().prop_map(|length| Own::Text(vec![length])),
        prop::collection::vec(0..40_usize, 2..5).prop_map(Own::Text),
        length().prop_map(Own::Binary),
        Just(Own::Ping),
        (0..200_usize).prop_map(Own::Interrupted),
    ]
}

/// What a client reads of these bytes.
fn read(bytes: Vec<u8>) -> Vec<Received> {
    struct Peer(Cursor<Vec<u8>>);
    impl Read for Peer {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut client = WebSocket::from_raw_socket(Peer(Cursor::new(bytes)), Role::Client, None);
    std::iter::from_fn(|| client.read().ok()).collect()
}

fn drain(queue: &mut Queue) -> Vec<u8> {
    let mut pieces = VecDeque::new();
    queue.take(&mut pieces);
    let bytes = pieces.into_iter().flatten().collect::<Vec<u8>>();
    queue.settle(bytes.len());
    bytes
}

proptest! {
    #[test]
    fn frames_stand_between_whole_messages_however_the_writes_are_cut(
        owns in prop::collection::vec(own(), 1..12),
        cuts in prop::collection::vec(prop_oneof![1..9_usize, 1..30_000_usize], 1..60),
    ) {
        let mut written = Vec::new();
        // Where each message ends, and what a client sees of it.
        let mut ends = VecDeque::new();
        for (number, own) in owns.iter().enumerate() {
            let (bytes, seen) = own.written(number);
            written.extend_from_slice(&bytes);
            ends.push_back((written.len(), seen));
        }
        let (mut queue, mut expected, mut out) = (Queue::default(), Vec::new(), Vec::new());
        let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
        while at < written.len() {
            let next = (at + cuts.next().unwrap()).min(written.len());
            queue.write(&written[at..next], None).unwrap();
            at = next;
            while ends.front().is_some_and(|(end, _)| *end <= at) {
                expected.extend(ends.pop_front().unwrap().1);
            }
            let frame = format!("frame at {at}");
            prop_assert!(queue.offer(&[text_frame(&[&frame])], 1).unwrap());
            expected.push(Received::text(frame));
            out.extend(drain(&mut queue));
        }
        prop_assert_eq!(read(out), expected);
        prop_assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn nothing_that_is_written_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut queue = Queue::default();
        for piece in bytes.chunks(7) {
            if queue.write(piece, None).is_err() {
                break;
            }
        }
    }
}

#[test]
fn a_namespace_is_open_once_its_connect_reply_has_passed_whole() {
    let mut queue = Queue::default();
    let reply = text_frame(&[r#"40{"sid":"x"}"#]);
    assert!(!queue.write(&text_frame(&[r#"0{"sid":"x"}"#]), None).unwrap());
    assert!(!queue.write(&reply[..5], None).unwrap());
    assert!(!queue.is_open(Namespace::Root));
    assert!(queue.write(&reply[5..], None).unwrap());
    assert!(queue.is_open(Namespace::Root));
}

#[test]
fn each_namespace_is_opened_by_its_own_reply_and_anew_each_time() {
    let mut queue = Queue::default();
    queue.write(&text_frame(&[r#"40{"sid":"x"}"#]), None).unwrap();
    assert!(queue.is_open(Namespace::Root) && !queue.is_open(Namespace::Graph));
    let reply = text_frame(&[r#"40/graph,{"sid":"x"}"#]);
    assert!(queue.write(&reply, None).unwrap());
    assert!(queue.is_open(Namespace::Graph));
    queue.shut(Namespace::Graph);
    assert!(queue.is_open(Namespace::Root) && !queue.is_open(Namespace::Graph));
    assert!(queue.write(&reply, None).unwrap());
    assert!(queue.is_open(Namespace::Graph));
}

#[test]
fn a_connect_reply_says_what_its_greeting_adds() {
    let (mut queue, greeting) = (Queue::default(), Greeting::default());
    greeting.add(Namespace::Root, "p".to_owned());
    let reply = text_frame(&[r#"40{"sid":"x"}"#]);
    queue.write(&[reply.clone(), reply].concat(), Some(&greeting)).unwrap();
    let expected = [r#"40{"sid":"x","pid":"p"}"#, r#"40{"sid":"x"}"#].map(Received::text);
    assert_eq!(read(drain(&mut queue)), expected);
}

#[test]
fn a_mark_opens_its_namespace_and_goes_no_further() {
    let mut queue = Queue::default();
    assert!(!queue.write(&text_frame(&["3probe"]), None).unwrap());
    assert!(!queue.is_carrying(), "a probe proves nothing");
    queue.write(&text_frame(&["2"]), None).unwrap();
    assert!(queue.is_carrying());
    drain(&mut queue);
    assert!(queue.write(&text_frame(&["42", crate::lane::MARK]), None).unwrap());
    assert_eq!(drain(&mut queue), b"");
}

#[test]
fn a_queue_is_bounded_in_bytes_and_leaves_room_for_socket_ios_own() {
    let mut queue = Queue::default();
    let large = Bytes::from(vec![0; LANE_BYTES_MAX + 1]);
    assert_eq!(queue.offer(std::slice::from_ref(&large), 1), Ok(true), "one always fits");
    assert_eq!(queue.offer(&[Bytes::from_static(b"x")], 1), Ok(false));
    assert!(queue.takes_writes());
    queue.write(&text_frame(&["2"]), None).unwrap();
    let settled = queue.settle(large.len());
    assert_eq!(settled.left, 3);
    assert_eq!(queue.offer(&[Bytes::from_static(b"x")], 1), Ok(true));
}

#[test]
fn what_waited_when_the_queue_ended_counts_no_more_whatever_is_written_after_that() {
    let mut queue = Queue::default();
    assert!(queue.offer(&[text_frame(&["waits"])], 1).unwrap());
    queue.end();
    for wrote in [0, 3] {
        assert_eq!(queue.settle(wrote).left, 0);
    }
}
