//! Whatever reaches a tail, in whatever order and however often: a follower of tail and log gets every
//! event once, in order, and is told when some of what it has is lost.

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

/// Alone with all that tails may keep.
impl Default for Tail {
    fn default() -> Tail {
        Tail::new(&Budget::new(TAILS_BYTES_MAX))
    }
}

fn at(offset: u64) -> Cursor {
    Cursor { offset, stamp: if offset == 0 { 0 } else { STAMP } }
}

fn event(offset: u64, bytes: usize) -> Linked {
    linked(at(offset), Some(at(offset - 1).stamp), bytes)
}

/// An event of the history that these stamps are of.
fn told(offset: u64, stamp: u32, before: u32) -> Linked {
    linked(Cursor { offset, stamp }, Some(before), 1)
}

fn linked(cursor: Cursor, before: Option<u32>, bytes: usize) -> Linked {
    let event = Event {
        topic: Topic::new("t", Kind::Room, "r").expect("a topic"),
        cursor,
        time: Time(0),
        trace: None,
        kind: "x".into(),
        body: Body::Payload(Payload::json("x".repeat(bytes))),
    };
    Linked { event: Arc::new(event), before }
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
    assert_eq!(tail.take(at(1), 9), Taken::Nothing);
    assert!(!tail.offer(&[event(2, 1), event(2, 1)]));
    assert_eq!(offsets(tail.take(at(1), 9)), Some(vec![2, 3, 4]));
}

#[test]
fn patience_ends_and_followers_are_sent_to_the_log() {
    let tail = Tail::default();
    tail.offer(&[event(1, 1)]);
    tail.offer(&[event(3, 1), event(5, 1)]);
    tail.jump();
    assert_eq!((tail.known(), tail.take(at(1), 9)), (at(5), Taken::Behind));
    assert_eq!(offsets(tail.take(at(4), 9)), Some(vec![5]));
    tail.offer(&[event(2, 1), event(4, 1), event(6, 1)]);
    assert_eq!(offsets(tail.take(at(4), 9)), Some(vec![5, 6]), "what is late is no news");
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
            let (bytes, early) = (ring.bytes.bytes(), ring.early_bytes.bytes());
            assert!(ring.early.len() <= EARLY_EVENTS_MAX && early <= EARLY_BYTES_MAX);
            assert!(ring.events.len() <= TAIL_EVENTS_MAX && bytes <= TAIL_BYTES_MAX);
        }
        assert_eq!(jumps, 1, "too much waits: it jumps, and there is no hole any more");
    }
}

#[test]
fn a_head_that_the_store_tells_of_sends_followers_to_the_log() {
    let tail = Tail::default();
    tail.offer(&[event(1, 1), event(2, 1)]);
    tail.settle(at(2), at(9), Resume::Whole);
    assert_eq!((tail.known(), tail.take(at(2), 9)), (at(9), Taken::Behind));
    assert_eq!(tail.take(at(9), 9), Taken::Nothing);
    tail.settle(at(2), at(5), Resume::Whole);
    assert_eq!(tail.known(), at(9), "an older answer changes nothing");
    tail.offer(&[event(10, 1)]);
    assert_eq!(offsets(tail.take(at(9), 9)), Some(vec![10]));
}

#[test]
fn a_history_that_was_rewound_is_told_and_begun_anew() {
    let tail = Tail::default();
    let stand = tail.watch();
    tail.offer(&[event(1, 1), event(2, 1)]);
    tail.settle(at(2), at(1), Resume::Ahead);
    assert_eq!(*stand.borrow(), Stand { head: 1, rewinds: 1 });
    assert_eq!(tail.take(at(0), 9), Taken::Behind);
    tail.offer(&[event(2, 1)]);
    assert_eq!(offsets(tail.take(at(1), 9)), Some(vec![2]));
}

#[test]
fn an_event_that_follows_another_one_than_is_here_tells_that_the_log_was_rewound() {
    let other = STAMP + 1;
    // As many events as were lost have come after the fail-over; all but the last were missed.
    for missed in [3, 2] {
        let tail = Tail::default();
        let stand = tail.watch();
        tail.offer(&[event(1, 1), event(2, 1), event(3, 1)]);
        let new = [told(2, other, STAMP), told(3, other, other), told(4, other, other)];
        tail.offer(&new[missed - 1..]);
        assert_eq!(*stand.borrow(), Stand { head: 4, rewinds: 1 }, "{missed}");
        assert_eq!(tail.take(at(3), 9), Taken::Behind, "it has what is lost");
        let at = |offset| Cursor { offset, stamp: other };
        assert_eq!(offsets(tail.take(at(3), 9)), Some(vec![4]));
        assert_eq!(tail.take(at(4), 9), Taken::Nothing);
    }
}

#[test]
fn another_event_in_the_place_of_one_that_is_here_tells_that_the_log_was_rewound() {
    let other = STAMP + 1;
    for (offset, before) in [(3, STAMP), (2, STAMP)] {
        let tail = Tail::default();
        let stand = tail.watch();
        tail.offer(&[event(1, 1), event(2, 1), event(3, 1)]);
        tail.offer(&[told(offset, other, before)]);
        assert_eq!(*stand.borrow(), Stand { head: offset, rewinds: 1 });
        assert_eq!(tail.take(at(offset), 9), Taken::Behind);
        assert_eq!(offsets(tail.take(at(offset - 1), 9)), Some(vec![offset]));
    }
}

#[test]
fn what_was_only_read_from_the_log_may_be_lost_too() {
    let other = STAMP + 1;
    let tail = Tail::default();
    let stand = tail.watch();
    tail.offer(&[event(1, 1)]);
    tail.note(at(3));
    assert_eq!((tail.known(), tail.take(at(3), 9)), (at(3), Taken::Nothing));
    tail.offer(&[told(2, other, STAMP)]);
    assert_eq!(stand.borrow().rewinds, 0, "nobody is known to have another one");
    tail.offer(&[told(3, other, other)]);
    assert_eq!(*stand.borrow(), Stand { head: 3, rewinds: 1 });
    // Or it waits for what is before it while the other one is read.
    tail.offer(&[told(6, other, other)]);
    tail.note(Cursor { offset: 6, stamp: STAMP });
    tail.jump();
    assert_eq!(*stand.borrow(), Stand { head: 6, rewinds: 2 });
    // Or it is found by a look, where less is written than was lost.
    tail.note(at(9));
    tail.settle(at(9), Cursor { offset: 4, stamp: other }, Resume::Ahead);
    assert_eq!(*stand.borrow(), Stand { head: 4, rewinds: 3 });
}

#[test]
fn where_nobody_says_what_is_before_an_event_of_another_session_the_log_tells() {
    let (tail, other) = (Tail::default(), Cursor { offset: 4, stamp: STAMP + 1 });
    let stand = tail.watch();
    tail.offer(&[event(1, 1), event(2, 1)]);
    tail.offer(&[linked(at(3), None, 1)]);
    assert_eq!(offsets(tail.take(at(2), 9)), Some(vec![3]), "one session, one history");
    tail.offer(&[linked(other, None, 1)]);
    assert_eq!(*stand.borrow(), Stand { head: 4, rewinds: 0 });
    assert_eq!(tail.take(at(3), 9), Taken::Behind);
    tail.offer(&[told(5, STAMP, other.stamp)]);
    assert_eq!(offsets(tail.take(other, 9)), Some(vec![5]));
}

#[test]
fn who_waits_from_where_the_log_stood_hears_of_all_that_comes_after() {
    let bus = Bus::default();
    let topic = event(1, 1).event.topic.clone();
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
    /// Something is committed.
    Commit { count: u64 },
    /// Messages arrive: any piece of any history, whatever came before, some of a core that does not say
    /// what is before an event.
    Heard { history: usize, from: u64, count: u64, names: bool },
    /// A standby takes over without the last events.
    FailOver { lost: u64 },
    /// The patience with holes ends.
    Jump,
    /// The store tells where the topic stood.
    Look,
    /// The follower takes a step.
    Step,
}

fn happening() -> impl Strategy<Value = Happening> {
    let heard = (0..3_usize, 0..12_u64, 1..5_u64, any::<bool>());
    prop_oneof![
        6 => (1..4_u64).prop_map(|count| Happening::Commit { count }),
        8 => heard.prop_map(|(history, from, count, names)| {
            Happening::Heard { history, from, count, names }
        }),
        1 => (1..6_u64).prop_map(|lost| Happening::FailOver { lost }),
        1 => Just(Happening::Jump),
        1 => Just(Happening::Look),
        8 => Just(Happening::Step),
    ]
}

/// A database, a tail, and a follower of both.
struct World {
    /// The stamps of the events of each history, from offset 1. The last one is the log.
    histories: Vec<Vec<u32>>,
    tail: Tail,
    rewinds: u64,
    progression: Progression,
    /// What the follower has, since it began or was reset.
    has: Vec<Cursor>,
    resets: usize,
}

impl World {
    fn new(start: u64) -> World {
        let progression = Progression::after(at(start));
        let log = (1..=start).map(|_| STAMP).collect();
        let tail = Tail::default();
        World { histories: vec![log], tail, rewinds: 0, progression, has: Vec::new(), resets: 0 }
    }

    fn log(&self) -> &[u32] {
        self.histories.last().expect("a history")
    }

    fn stamp(history: &[u32], offset: u64) -> Option<u32> {
        history.get(usize::try_from(offset.checked_sub(1)?).ok()?).copied()
    }

    fn event(history: &[u32], offset: u64, names: bool) -> Option<Linked> {
        let cursor = Cursor { offset, stamp: World::stamp(history, offset)? };
        let before = World::stamp(history, offset - 1).unwrap_or_default();
        Some(linked(cursor, names.then_some(before), 1))
    }

    fn head(&self) -> Cursor {
        let offset = self.log().len() as u64;
        Cursor { offset, stamp: World::stamp(self.log(), offset).unwrap_or_default() }
    }

    fn judge(&self, cursor: Cursor) -> Resume {
        Resume::judge(cursor, 0, self.head(), World::stamp(self.log(), cursor.offset))
    }

    fn happen(&mut self, happening: &Happening) {
        let newest = STAMP + self.histories.len() as u32 - 1;
        let log = self.histories.last_mut().expect("a history");
        match happening {
            // Of two cores, in turns.
            Happening::Commit { count } => {
                let stamps =
                    (0..*count).map(|n| newest + 100 * u32::try_from(n % 2).expect("small"));
                log.extend(stamps);
            }
            Happening::Heard { history, from, count, names } => {
                let history = &self.histories[self.histories.len().saturating_sub(1 + history)];
                let first = (history.len() as u64 + 1).saturating_sub(*from).max(1);
                let events = first..first + count;
                let events = events.filter_map(|offset| World::event(history, offset, *names));
                self.tail.offer(&events.collect::<Vec<_>>());
            }
            Happening::FailOver { lost } => {
                let kept = log.len().saturating_sub(usize::try_from(*lost).expect("small"));
                let kept = log[..kept].to_vec();
                self.histories.push(kept);
            }
            Happening::Jump => self.tail.jump(),
            Happening::Look => {
                let known = self.tail.known();
                self.tail.settle(known, self.head(), self.judge(known));
            }
            Happening::Step => drop(self.step()),
        }
    }

    /// As a subscription steps.
    fn step(&mut self) -> Step {
        let rewinds = self.tail.watch().borrow().rewinds;
        let at = self.progression.at();
        let resume = self.judge(at);
        if std::mem::replace(&mut self.rewinds, rewinds) != rewinds {
            if resume != Resume::Whole {
                return self.reset();
            }
            self.progression.reread();
        }
        let step = match self.progression.source() {
            Source::Log => {
                self.tail.note(self.head());
                let page =
                    (at.offset + 1..).map_while(|offset| World::event(self.log(), offset, true));
                let page = page.take(3).map(|linked| linked.event).collect();
                self.progression.page(page, resume)
            }
            Source::Tail => self.progression.tail(self.tail.take(at, 4)),
        };
        match &step {
            Step::Deliver(events) => self.has.extend(events.iter().map(|event| event.cursor)),
            Step::Reset(_) => return self.reset(),
            Step::CaughtUp | Step::Wait | Step::Again => {}
        }
        step
    }

    fn reset(&mut self) -> Step {
        self.resets += 1;
        self.has.clear();
        self.progression = Progression::after(self.head());
        Step::Again
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn lost_repeated_and_reordered_messages_are_harmless_and_a_lost_history_is_told(
        start in 0..10_u64,
        happenings in prop::collection::vec(happening(), 1..150),
    ) {
        let mut world = World::new(start);
        for happening in &happenings {
            world.happen(happening);
        }
        // The watch looks again. What waited may be of a lost history: the look after it finds that.
        world.happen(&Happening::Look);
        world.happen(&Happening::Look);
        let mut steps = 0;
        while world.step() != Step::Wait {
            steps += 1;
            prop_assert!(steps < 1000, "it comes to rest");
        }
        let head = world.head();
        prop_assert_eq!(world.progression.at(), head);
        let first = head.offset - world.has.len() as u64 + 1;
        let log = (first..=head.offset)
            .map(|offset| Cursor { offset, stamp: World::stamp(world.log(), offset).expect("there") });
        prop_assert_eq!(&world.has, &log.collect::<Vec<_>>(), "what is lost is told");
        let has_lost = happenings.iter().any(|one| matches!(one, Happening::FailOver { .. }));
        prop_assert!(world.resets == 0 || has_lost);
        if !has_lost {
            prop_assert_eq!(world.has.len() as u64, head.offset - start, "every event, once");
        }
    }
}
