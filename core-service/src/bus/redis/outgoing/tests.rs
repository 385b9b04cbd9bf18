//! What waits to be told is bounded, and a loss is never silent.

use super::*;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, Event};
use crate::domain::payload::Payload;
use crate::domain::topic::{Kind, Topic};

fn event(offset: u64, bytes: usize) -> Linked {
    let event = Event {
        topic: Topic::new("t", Kind::Room, "r").expect("a topic"),
        cursor: Cursor { offset, stamp: 1 },
        time: Time(0),
        trace: None,
        kind: "x".into(),
        body: Body::Payload(Payload::json("x".repeat(bytes))),
    };
    Linked { event: Arc::new(event), before: Some(1) }
}

/// Opened, with the note that something may have been missed taken off.
async fn open() -> Outgoing {
    let outgoing = Outgoing::default();
    outgoing.set_open(true);
    assert!(outgoing.load().await.has_lost, "before it was open nothing was told");
    outgoing
}

#[tokio::test]
async fn what_waits_goes_together_and_in_order() {
    let outgoing = open().await;
    outgoing.events(&[event(1, 1), event(2, 1)]);
    outgoing.deadline(Time(7));
    outgoing.events(&[event(3, 1)]);
    outgoing.deadline(Time(9));
    let load = outgoing.load().await;
    let offsets: Vec<u64> = load.events.iter().map(|linked| linked.event.cursor.offset).collect();
    assert_eq!((offsets, load.deadline, load.has_lost), (vec![1, 2, 3], Some(Time(7)), false));
}

#[tokio::test]
async fn a_message_is_bounded_and_holds_at_least_one_event() {
    let outgoing = open().await;
    let sizes = [MESSAGE_BYTES_MAX * 2, MESSAGE_BYTES_MAX / 2, MESSAGE_BYTES_MAX / 2, 1];
    outgoing.events(&sizes.map(|bytes| event(1, bytes)));
    let mut counts = Vec::new();
    for _ in 0..3 {
        counts.push(outgoing.load().await.events.len());
    }
    assert_eq!(counts, [1, 1, 2]);
    assert_eq!(outgoing.waiting().bytes, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_its_loss_is_told() {
    let outgoing = open().await;
    for _ in 0..=EVENTS_MAX {
        outgoing.events(&[event(1, 1)]);
    }
    let load = outgoing.load().await;
    assert!(load.has_lost && load.events.is_empty());
    outgoing.set_open(false);
    outgoing.events(&[event(1, 1)]);
    outgoing.set_open(true);
    let load = outgoing.load().await;
    assert!(load.has_lost && load.events.is_empty());
}
