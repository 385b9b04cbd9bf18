//! What anybody may write to Redis.

use proptest::prelude::*;

use super::*;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, Event, Linked};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

fn events() -> Vec<Linked> {
    let topics = [Topic::new("acme", Kind::Room, "r").expect("a topic"), Topic::access()];
    let event = |topic: Topic| Event {
        topic,
        cursor: Cursor { offset: 3, stamp: 9 },
        time: Time(1_700_000_000_000),
        trace: Some([7; 16]),
        kind: "said".into(),
        body: Body::Payload(Payload::json("{\"a\": 1.0}")),
    };
    let events = topics.into_iter().map(event).map(Arc::new);
    events.map(|event| Linked { event, before: Some(8) }).collect()
}

fn batch() -> Batch {
    let lines = events().iter().map(|event| Transcript::of(event).expect("written")).collect();
    Batch { events: lines, deadline: 5, is_last: false }
}

fn open(seal: &Seal, bytes: &[u8]) -> Result<Message, NoMessage> {
    seal.open(Bytes::copy_from_slice(bytes))
}

#[test]
fn what_is_told_is_what_was_committed() {
    let seal = Seal::new(b"a key of the database", "roomcast:a");
    let message = open(&seal, &seal.close(u64::MAX >> 1, 42, &batch())).expect("whole");
    assert_eq!((message.core, message.number), (u64::MAX >> 1, 42));
    let heard = message.batch().expect("read");
    assert_eq!(heard, batch());
    for (line, linked) in heard.events.iter().zip(events()) {
        let topic = linked.event.topic.clone();
        assert_eq!(line.topic(), Ok(topic.clone()));
        assert_eq!(line.event(topic), Ok(linked));
    }
}

/// What an event is to a core that is older than the naming of the one before it.
#[derive(Clone, PartialEq, prost::Message)]
struct Earlier {
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint64, tag = "4")]
    offset: u64,
    #[prost(uint32, tag = "5")]
    stamp: u32,
    #[prost(string, tag = "8")]
    r#type: String,
    #[prost(bytes = "vec", tag = "10")]
    body: Vec<u8>,
}

#[test]
fn cores_of_two_versions_read_each_others_events() {
    let [line, ..] = &batch().events[..] else { panic!("an event") };
    let read = Earlier::decode(&line.encode_to_vec()[..]).expect("what is new is passed over");
    assert_eq!((&*read.name, read.offset, read.stamp, &*read.r#type), ("r", 3, 9, "said"));
    // Without the last field, and with one of a version to come.
    let mut bytes = line.encode_to_vec();
    let before = [11 << 3, 8];
    assert_eq!(bytes.split_off(bytes.len() - before.len()), before);
    bytes.extend([15 << 3, 7]);
    let line = Transcript::decode(&bytes[..]).expect("a message");
    let Linked { event, before } = line.event(line.topic().expect("a topic")).expect("an event");
    assert_eq!((event.cursor, before), (Cursor { offset: 3, stamp: 9 }, None));
}

#[test]
fn another_databases_words_and_another_versions_are_refused() {
    let (ours, theirs) = (Seal::new(b"ours", "a"), Seal::new(b"theirs", "a"));
    let copied = Seal::new(b"ours", "b");
    let mut message = theirs.close(1, 1, &batch());
    assert_eq!(open(&ours, &message), Err(NoMessage::Seal));
    assert_eq!(open(&ours, &copied.close(1, 1, &batch())), Err(NoMessage::Seal));
    message[0] = VERSION + 1;
    assert_eq!(open(&theirs, &message), Err(NoMessage::Version));
    assert_eq!(open(&ours, &[]), Err(NoMessage::Version));
    assert_eq!(open(&ours, &[VERSION; HEADER - 1]), Err(NoMessage::Content));
}

#[test]
fn an_event_that_stands_nowhere_or_does_not_parse_is_none() {
    let [first, ..] = &batch().events[..] else { panic!("an event") };
    let mut bytes = first.encode_to_vec();
    // Field 4, the offset, again: the last one counts.
    bytes.extend([4 << 3, 0]);
    let nowhere = Transcript::decode(&bytes[..]).expect("a message");
    assert!(nowhere.event(nowhere.topic().expect("a topic")).is_err());
    bytes.extend([1 << 3, 99]);
    assert!(Transcript::decode(&bytes[..]).expect("a message").topic().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_that_was_changed_is_taken(at in 0..200_usize, other in 1..=u8::MAX) {
        let seal = Seal::new(b"key", "a");
        let mut message = seal.close(1, 1, &batch());
        let at = at % message.len();
        message[at] ^= other;
        prop_assert!(open(&seal, &message).is_err());
    }

    #[test]
    fn no_bytes_stop_a_core(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&Seal::new(b"key", "a"), &bytes).is_err());
        // Even those of somebody who has the key.
        let forged = Message { core: 1, number: 1, batch: Bytes::from(bytes) };
        if let Ok(batch) = forged.batch() {
            for line in batch.events {
                let _ = line.topic().and_then(|topic| line.event(topic));
            }
        }
    }
}
