//! Whatever the tail forgets and however appends, trims and reads interleave, a reader gets each event
//! once, in order, without a hole, or one explicit reset.

use proptest::prelude::*;

use super::*;
use crate::domain::event::Body;
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

const STAMP: u32 = 7;

#[derive(Debug, Clone)]
enum Happening {
    /// So many events are committed; the tail hears of them unless it forgets.
    Append(usize),
    /// The tail keeps only its newest so many.
    Forget(usize),
    /// A committed event never reaches the tail.
    Lose,
    /// Retention deletes so many of the oldest.
    Trim(usize),
    /// The reader takes one step.
    Read { page: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..6_usize).prop_map(Happening::Append),
        1 => (0..4_usize).prop_map(Happening::Forget),
        1 => Just(Happening::Lose),
        1 => (1..5_usize).prop_map(Happening::Trim),
        8 => (1..5_usize).prop_map(|page| Happening::Read { page }),
    ]
}

/// A log, its tail and one reader.
struct World {
    log: Vec<Arc<Event>>,
    floor: u64,
    tail: Vec<Arc<Event>>,
    reader: Progression,
    /// What the reader was told, and where it began anew.
    told: Vec<u64>,
    resets: usize,
}

impl World {
    fn new(start: u64) -> World {
        let mut world = World {
            log: Vec::new(),
            floor: 0,
            tail: Vec::new(),
            reader: Progression::after(Cursor::START),
            told: Vec::new(),
            resets: 0,
        };
        for _ in 0..10 {
            world.commit();
        }
        world.reader = Progression::after(Cursor { offset: start, stamp: STAMP });
        world
    }

    fn commit(&mut self) -> Arc<Event> {
        let event = Arc::new(Event {
            topic: Topic::new("t", Kind::Room, "r").expect("a topic"),
            cursor: Cursor { offset: self.log.len() as u64 + 1, stamp: STAMP },
            time: Time(0),
            trace: None,
            kind: "x".into(),
            body: Body::Payload(Payload::json("{}")),
        });
        self.log.push(event.clone());
        event
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Append(count) => {
                for _ in 0..*count {
                    let event = self.commit();
                    let is_next = self
                        .tail
                        .last()
                        .is_none_or(|last| last.cursor.offset + 1 == event.cursor.offset);
                    if !is_next {
                        self.tail.clear();
                    }
                    self.tail.push(event);
                }
            }
            Happening::Forget(keep) => {
                let drop = self.tail.len().saturating_sub((*keep).max(1));
                self.tail.drain(..drop);
            }
            Happening::Lose => {
                self.commit();
            }
            Happening::Trim(count) => {
                self.floor = (self.floor + *count as u64).min(self.log.len() as u64);
            }
            Happening::Read { page } => {
                self.read(*page);
            }
        }
    }

    fn read(&mut self, page: usize) -> Step {
        let at = self.reader.at().offset;
        let step = match self.reader.source() {
            Source::Log => {
                let from = at.max(self.floor) as usize;
                let events = self.log[from..].iter().take(page).cloned().collect();
                let is_trimmed = self.floor > at;
                let resume = if is_trimmed { Resume::Trimmed } else { Resume::Whole };
                self.reader.page(events, resume)
            }
            Source::Tail => {
                let taken = match (self.tail.first(), self.tail.last()) {
                    (Some(first), Some(last)) if last.cursor.offset > at => {
                        if first.cursor.offset > at + 1 {
                            Taken::Behind
                        } else {
                            let skip = (at + 1 - first.cursor.offset) as usize;
                            Taken::Events(self.tail[skip..].iter().take(page).cloned().collect())
                        }
                    }
                    _ => Taken::Nothing,
                };
                self.reader.tail(taken)
            }
        };
        match &step {
            Step::Deliver(events) => {
                for event in events {
                    let expected = self.told.last().map_or(at + 1, |last| last + 1);
                    assert_eq!(event.cursor.offset, expected, "the next one, once");
                    self.told.push(event.cursor.offset);
                }
            }
            Step::Reset(reason) => {
                assert_eq!(*reason, Resume::Trimmed);
                assert!(self.floor > at, "a reset only where events are gone");
                self.resets += 1;
                self.told.clear();
                let head = self.log.last().map_or(Cursor::START, |event| event.cursor);
                self.reader = Progression::after(head);
            }
            Step::CaughtUp | Step::Wait | Step::Again => {}
        }
        step
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_gets_each_event_once_in_order_without_a_hole(
        start in 0..10_u64,
        happenings in prop::collection::vec(happening(), 1..120),
    ) {
        let mut world = World::new(start);
        for happening in &happenings {
            world.happen(happening);
        }
        // The bus tells of the head by the next commit at the latest.
        world.happen(&Happening::Append(1));
        for _ in 0..1000 {
            if world.read(3) == Step::Wait {
                break;
            }
        }
        prop_assert_eq!(world.reader.at().offset, world.log.len() as u64, "it reaches the head");
    }
}
