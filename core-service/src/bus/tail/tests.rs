//! Whatever reaches a tail, in whatever order and however often: a follower of tail and log gets every
//! event once, in order.

use futures::FutureExt as _;
use proptest::prelude::*;

use super::*;
use crate::bus::Bus;
use crate::domain::event::Body;
use crate::domain::payload::Payload;
use crate::domain::subscription::{Progression, Source, Step};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

const STAMP: u32 = 7;
const LOG: u64 = 60;

fn at(offset: u64) -> Cursor {
    Cursor { offset, stamp: if offset == 0 { 0 } else { STAMP } }
}

fn event(offset: u64, bytes: usize) -> Arc<Event> {
    Arc::new(Event {
        topic: Topic::new("t", Kind::Room, "r").expect("a topic"),
        cursor: at(offset),
        time: Time(0),
        trace: None,
        kind: "x".into(),
        body: Body::Payload(Payload::json("x".repeat(bytes))),
    })
}

fn offsets(taken: Taken) -> Option<Vec<u64>> {
    match taken {
        Taken::Events(events) => Some(events.iter().map(|event| event.cursor.offset).collect()),
        Taken::Nothing | Taken::Behind => None,
    }
}

#[test]
fn what_comes_early_waits_for_what_is_missing() {
    let tail = Tail::default();
    assert!(!tail.offer(&[event(1, 1)]));
    assert!(tail.offer(&[event(3, 1), event(4, 1)]));
    assert_eq!(tail.take(1, 9), Taken::Nothing);
    assert!(!tail.offer(&[event(2, 1), event(2, 1)]));
    assert_eq!(offsets(tail.take(1, 9)), Some(vec![2, 3, 4]));
}

#[test]
fn patience_ends_and_followers_are_sent_to_the_log() {
    let tail = Tail::default();
    tail.offer(&[event(1, 1)]);
    tail.offer(&[event(3, 1), event(5, 1)]);
    tail.jump();
    assert_eq!((tail.head(), tail.take(1, 9)), (at(5), Taken::Behind));
    assert_eq!(offsets(tail.take(4, 9)), Some(vec![5]));
    tail.offer(&[event(2, 1), event(4, 1), event(6, 1)]);
    assert_eq!(offsets(tail.take(4, 9)), Some(vec![5, 6]), "what is late is no news");
}

#[test]
fn what_waits_is_bounded_in_events_and_bytes() {
    for bytes in [1, EARLY_BYTES_MAX / 8] {
        let tail = Tail::default();
        tail.offer(&[event(1, 1)]);
        let mut is_waiting = false;
        let mut jumps = 0;
        for offset in 3..=(EARLY_EVENTS_MAX as u64 + 4) {
            let has_waited =
                std::mem::replace(&mut is_waiting, tail.offer(&[event(offset, bytes)]));
            jumps += u32::from(has_waited && !is_waiting);
            let ring = tail.ring();
            assert!(ring.early.len() <= EARLY_EVENTS_MAX && ring.early_bytes <= EARLY_BYTES_MAX);
            assert!(ring.bytes <= TAIL_BYTES_MAX && ring.events.len() <= TAIL_EVENTS_MAX);
        }
        assert_eq!(jumps, 1, "too much waits: it jumps, and there is no hole any more");
    }
}

#[test]
fn a_head_that_the_store_tells_of_sends_followers_to_the_log() {
    let tail = Tail::default();
    tail.offer(&[event(1, 1), event(2, 1)]);
    tail.settle(at(2), at(9), Resume::Whole);
    assert_eq!((tail.head(), tail.take(2, 9)), (at(9), Taken::Behind));
    assert_eq!(tail.take(9, 9), Taken::Nothing);
    tail.settle(at(2), at(5), Resume::Whole);
    assert_eq!(tail.head(), at(9), "an older answer changes nothing");
    tail.offer(&[event(10, 1)]);
    assert_eq!(offsets(tail.take(9, 9)), Some(vec![10]));
}

#[test]
fn a_history_that_was_rewound_is_told_and_begun_anew() {
    let tail = Tail::default();
    let stand = tail.watch();
    tail.offer(&[event(1, 1), event(2, 1)]);
    tail.settle(at(2), at(1), Resume::Ahead);
    assert_eq!(*stand.borrow(), Stand { head: 1, rewinds: 1 });
    assert_eq!(tail.take(0, 9), Taken::Behind);
    tail.offer(&[event(2, 1)]);
    assert_eq!(offsets(tail.take(1, 9)), Some(vec![2]));
}

#[test]
fn who_waits_from_where_the_log_stood_hears_of_all_that_comes_after() {
    let bus = Bus::default();
    let topic = event(1, 1).topic.clone();
    let mut attachment = bus.attach(&topic);
    bus.publish(&[event(1, 1), event(2, 1)]);
    let head = attachment.head();
    assert_eq!((head, attachment.wait(head).now_or_never()), (2, None));
    bus.settle(&topic, at(2), at(1), Resume::Ahead);
    assert_eq!(attachment.wait(head).now_or_never(), Some(()), "it was rewound");
    let head = attachment.head();
    assert_eq!((head, attachment.wait(head).now_or_never()), (1, None), "that was heard");
    bus.publish(&[event(2, 1)]);
    assert_eq!(attachment.wait(head).now_or_never(), Some(()));
}

#[derive(Debug, Clone)]
enum Happening {
    /// Messages arrive: any piece of the log, whatever came before.
    Heard { from: u64, count: u64 },
    /// The patience with holes ends.
    Jump,
    /// The store tells where the topic stood.
    Looked { head: u64 },
    /// The follower takes a step.
    Step,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1..=LOG, 1..5_u64).prop_map(|(from, count)| Happening::Heard { from, count }),
        1 => Just(Happening::Jump),
        1 => (1..=LOG).prop_map(|head| Happening::Looked { head }),
        6 => Just(Happening::Step),
    ]
}

/// A follower, and how much of the log is committed.
struct Follower {
    tail: Tail,
    committed: u64,
    progression: Progression,
    told: Vec<u64>,
}

impl Follower {
    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Heard { from, count } => {
                let last = (from + count - 1).min(LOG);
                self.committed = self.committed.max(last);
                let events: Vec<_> = (*from..=last).map(|offset| event(offset, 1)).collect();
                self.tail.offer(&events);
            }
            Happening::Jump => self.tail.jump(),
            Happening::Looked { head } => {
                self.committed = self.committed.max(*head);
                self.tail.settle(self.tail.head(), at(*head), Resume::Whole);
            }
            Happening::Step => drop(self.step()),
        }
    }

    fn step(&mut self) -> Step {
        let from = self.progression.at().offset;
        let step = match self.progression.source() {
            Source::Log => {
                let page = (from + 1..=self.committed).take(3).map(|offset| event(offset, 1));
                self.progression.page(page.collect(), 0)
            }
            Source::Tail => self.progression.tail(self.tail.take(from, 4)),
        };
        if let Step::Deliver(events) = &step {
            self.told.extend(events.iter().map(|event| event.cursor.offset));
        }
        step
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn lost_repeated_and_reordered_messages_are_harmless(
        start in 0..10_u64,
        happenings in prop::collection::vec(happening(), 1..150),
    ) {
        let progression = Progression::after(at(start));
        let mut follower =
            Follower { tail: Tail::default(), committed: start, progression, told: Vec::new() };
        for happening in &happenings {
            follower.happen(happening);
        }
        // The watch looks again.
        follower.happen(&Happening::Looked { head: LOG });
        let mut steps = 0;
        while follower.step() != Step::Wait {
            steps += 1;
            prop_assert!(steps < 1000, "it comes to rest");
        }
        let all: Vec<u64> = (start + 1..=LOG).collect();
        prop_assert_eq!(follower.told, all);
    }
}
