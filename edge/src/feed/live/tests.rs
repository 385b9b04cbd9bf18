//! Members going live and falling behind, over random histories and over threads: each sink gets a
//! contiguous piece of the log, each event once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use roomcast_proto::v1::Event;
use roomcast_runtime::budget::Budget;

use super::super::{
    place::Place,
    ring::RINGS_BYTES_MAX,
    step::Step,
    topic::{Feed, Key},
};
use super::*;

fn event(offset: u64, stamp: u32) -> Event {
    Event { offset, cursor: cursor(offset, stamp), ..Event::default() }
}

fn cursor(offset: u64, stamp: u32) -> String {
    format!("{offset}.{stamp}")
}

/// What a socket received, in order.
#[derive(Debug, Default)]
struct Received {
    events: Mutex<Vec<Arc<Encoded>>>,
    /// How many it still takes while live; what a reader emits waits for room instead.
    room: AtomicU64,
}

impl Sink for Received {
    fn is_open(&self) -> bool {
        true
    }

    fn offer_batch(&self, topic: &str, batch: &Batch) -> usize {
        self.offer(topic, batch.events())
    }

    fn offer(&self, _topic: &str, events: &[Arc<Encoded>]) -> usize {
        let room = self.room.load(Ordering::Relaxed);
        let taken = events.len().min(usize::try_from(room).unwrap());
        self.room.fetch_sub(taken as u64, Ordering::Relaxed);
        self.events.lock().unwrap().extend(events[..taken].iter().cloned());
        taken
    }
}

/// What a reader does, without the core: see `Reader::pull`.
#[derive(Debug)]
struct Follower {
    place: Place,
    live: Option<Arc<Member>>,
    received: Arc<Received>,
    begun_after: u64,
    stamp: u32,
}

impl Follower {
    fn new(feed: &Feed, begun_after: u64, stamp: u32) -> Self {
        let place = Place::new(&cursor(begun_after, stamp), feed.state().ring.generation());
        Self { place, live: None, received: Arc::default(), begun_after, stamp }
    }

    /// One step; `head` is how far the log goes, all of it still there.
    fn step(&mut self, feed: &Feed, head: u64, stamp: u32) {
        if let Some(live) = &self.live {
            if !live.seat().is_live {
                self.leave(feed);
            }
            return;
        }
        let mut step = self.place.step(&feed.state().ring);
        if matches!(step, Step::ReadLog) {
            let after: u64 = self.place.cursor().split('.').next().unwrap().parse().unwrap();
            let page = (after + 1..=head.min(after + 3)).map(|offset| event(offset, stamp));
            let events: Vec<_> = page.map(|event| Arc::new(Encoded::new(&event))).collect();
            step = if events.is_empty() { Step::Wait } else { Step::Deliver(events) };
        }
        match step {
            Step::Deliver(events) => {
                for event in events {
                    self.place.advance(&event);
                    self.received.events.lock().unwrap().push(event);
                }
            }
            Step::Wait => {
                let sink = Arc::clone(&self.received) as Arc<dyn Sink>;
                self.live = feed.go_live(&self.place, &sink, &Arc::default());
            }
            Step::ReadLog | Step::JoinAgain if self.stamp == stamp => {
                self.place.confirm(feed.state().ring.generation());
            }
            Step::ReadLog | Step::JoinAgain => {
                (self.begun_after, self.stamp) = (head, stamp);
                self.received.events.lock().unwrap().clear();
                self.place = Place::new(&cursor(head, stamp), feed.state().ring.generation());
            }
        }
    }

    fn leave(&mut self, feed: &Feed) {
        let Some(live) = self.live.take() else { return };
        if let Some(last) = live.leave() {
            self.place.advance(&last);
        }
        feed.leave_live(&live);
    }

    fn check(&self) {
        let events = self.received.events.lock().unwrap();
        for (event, offset) in events.iter().zip(self.begun_after + 1..) {
            assert_eq!(event.cursor(), cursor(offset, self.stamp));
        }
    }
}

#[derive(Debug, Clone)]
enum Move {
    /// Events are committed and arrive together.
    Publish(u64),
    /// Some are committed whose arrival is lost.
    Lose(u64),
    /// The last one arrives again.
    Repeat,
    /// The subscription goes on at the head, wherever it was.
    Rebase,
    /// The history is another one.
    Fork,
    /// A follower takes a step, many steps, or leaves for a moment.
    Step(usize),
    Rush(usize),
    Leave(usize),
    /// A socket has room again.
    Room(usize, u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => (1..9u64).prop_map(Move::Publish),
        1 => (1..3u64).prop_map(Move::Lose),
        1 => Just(Move::Repeat),
        1 => Just(Move::Rebase),
        1 => Just(Move::Fork),
        4 => (0..3usize).prop_map(Move::Step),
        4 => (0..3usize).prop_map(Move::Rush),
        1 => (0..3usize).prop_map(Move::Leave),
        3 => (0..3usize, 0..40u64).prop_map(|(which, room)| Move::Room(which, room)),
    ];
    prop::collection::vec(one, 1..150)
}

proptest! {
    #[test]
    fn live_or_behind_each_event_comes_once_and_in_order(moves in moves()) {
        let key = Key { tenant: String::new(), topic: "room:a".to_owned() };
        let feed = Feed::new(key, &cursor(0, 1), &Budget::new(RINGS_BYTES_MAX));
        let (mut head, mut stamp) = (0, 1);
        // The last that arrived since the subscription began where it is: only the core knows what is
        // its first.
        let mut arrived = None;
        let mut followers: Vec<_> = (0..3).map(|_| Follower::new(&feed, 0, 1)).collect();
        for step in moves {
            match step {
                Move::Publish(count) => {
                    let events: Vec<_> = (head + 1..=head + count).map(|offset| event(offset, stamp)).collect();
                    head += count;
                    arrived = Some(head);
                    feed.arrive(&events, true);
                }
                Move::Lose(count) if arrived.is_some() => head += count,
                Move::Lose(_) => {}
                Move::Repeat => {
                    arrived.iter().for_each(|last| feed.arrive(&[event(*last, stamp)], true));
                }
                Move::Rebase => {
                    arrived = None;
                    feed.rebase(&cursor(head, stamp));
                }
                Move::Fork => {
                    (head, stamp, arrived) = (0, stamp + 1, None);
                    feed.reset(&cursor(0, stamp));
                }
                Move::Step(which) => followers[which].step(&feed, head, stamp),
                Move::Rush(which) => (0..40).for_each(|_| followers[which].step(&feed, head, stamp)),
                Move::Leave(which) => followers[which].leave(&feed),
                Move::Room(which, room) => followers[which].received.room.store(room, Ordering::Relaxed),
            }
            followers.iter().for_each(Follower::check);
        }
        // With all delivered, all come to the head.
        feed.rebase(&cursor(head, stamp));
        for follower in &mut followers {
            (0..2000).for_each(|_| follower.step(&feed, head, stamp));
            follower.check();
            let received = follower.received.events.lock().unwrap().len() as u64;
            prop_assert_eq!(follower.begun_after + received, head);
            prop_assert!(follower.live.is_some());
        }
    }
}

#[test]
fn members_that_come_and_go_while_events_arrive_miss_none_and_get_none_twice() {
    const EVENTS: u64 = 30_000;
    let key = Key { tenant: String::new(), topic: "room:a".to_owned() };
    let feed = Feed::new(key, &cursor(0, 1), &Budget::new(RINGS_BYTES_MAX));
    let (published, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for number in 0..4_u64 {
            let (feed, published, is_over) = (&feed, &published, &is_over);
            threads.spawn(move || {
                let mut follower = Follower::new(feed, 0, 1);
                for turn in number.. {
                    follower.received.room.store(turn % 23, Ordering::Relaxed);
                    // Read first: what was published before is in the log by then.
                    let is_last = is_over.load(Ordering::Acquire);
                    follower.step(feed, published.load(Ordering::Acquire), 1);
                    if turn % 31 == 0 {
                        follower.leave(feed);
                        let before = follower.received.events.lock().unwrap().len();
                        std::thread::yield_now();
                        assert_eq!(follower.received.events.lock().unwrap().len(), before);
                    }
                    if is_last && follower.live.is_some() {
                        break;
                    }
                }
                follower.check();
                assert_eq!(follower.received.events.lock().unwrap().len() as u64, EVENTS);
            });
        }
        for first in (1..=EVENTS).step_by(5) {
            let batch: Vec<_> = (first..first + 5).map(|offset| event(offset, 1)).collect();
            published.store(first + 4, Ordering::Release);
            feed.arrive(&batch, true);
        }
        is_over.store(true, Ordering::Release);
    });
}
