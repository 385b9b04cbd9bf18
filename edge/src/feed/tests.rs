//! The rules of ring and place over random histories: arrivals, lost streams, trimmed logs and readers
//! anywhere. Whatever happens, a reader's events are a contiguous piece of the one log, or it was
//! told to join again.

use std::sync::Arc;

use proptest::prelude::*;
use roomcast_client::Tls;
use roomcast_proto::v1::{Event, JoinResponse, Payload, event};
use roomcast_runtime::budget::Budget;
use tokio::time::Instant;

use super::{
    Feeds, Joined, LINGER,
    page::Page,
    place::Place,
    ring::{Arrival, Found, RINGS_BYTES_MAX, Ring},
    step::Step,
    topic::Key,
};
use crate::{
    auth::{Caller, Rights},
    names::Encoded,
    presence::Presence,
    upstream::{Credential, Upstream},
};

/// The feeds of an edge whose core nobody can reach.
pub(super) fn nowhere() -> Feeds {
    let nowhere = ["http://127.0.0.1:1".to_owned()];
    let upstream = Upstream::new(&nowhere, &Tls::default(), Credential::none()).unwrap();
    Feeds::new(upstream, Rights::default(), Presence::default())
}

impl Feeds {
    /// What a join comes to that the core answers so.
    pub(crate) fn joined(&self, caller: Caller, response: JoinResponse) -> Joined {
        let hold = self.0.rights.hold(&caller.session, Some(&response.topic));
        let reader = self.begin((caller, hold), &response, Instant::now()).unwrap();
        Joined { response, state: None, reader }
    }

    /// A room was looked at, and stands so.
    pub(crate) fn looked_at(&self, tenant: &str, response: JoinResponse) {
        let key = Key { tenant: tenant.to_owned(), topic: response.topic.clone() };
        self.0.glances.cell(&key, Instant::now()).set(Arc::new(response.into())).unwrap();
    }
}

/// Events of one page here: small, so that replays take several.
const PAGE: u64 = 3;

fn event(offset: u64, stamp: u32) -> Arc<Encoded> {
    Arc::new(Encoded::new(&Event {
        topic: "room:a".to_owned(),
        offset,
        cursor: cursor(offset, stamp),
        event_id: format!("{offset}/{stamp}"),
        r#type: "tick".to_owned(),
        body: Some(event::Body::Payload(Payload { data: "{}".into(), ..Payload::default() })),
        ..Event::default()
    }))
}

fn cursor(offset: u64, stamp: u32) -> String {
    format!("{offset}.{stamp}")
}

/// A ring that has all the room there is.
fn ring_at(cursor: &str) -> Ring {
    Ring::new(cursor, &Budget::new(RINGS_BYTES_MAX))
}

/// The core: one log with its stamp, from `first` to `head`.
#[derive(Debug)]
struct Log {
    first: u64,
    head: u64,
    stamp: u32,
}

impl Log {
    fn cursor(&self, offset: u64) -> String {
        cursor(offset, self.stamp)
    }

    /// What `ListEvents` answers.
    fn page(&self, since: &str) -> Page {
        match self.find(since) {
            Some(offset) => Page {
                events: (offset + 1..=self.head.min(offset + PAGE))
                    .map(|offset| event(offset, self.stamp))
                    .collect(),
                is_reset: false,
            },
            None => Page { events: Vec::new(), is_reset: true },
        }
    }

    /// The offset of a cursor that can be followed.
    fn find(&self, since: &str) -> Option<u64> {
        (self.first.saturating_sub(1)..=self.head).find(|offset| self.cursor(*offset) == since)
    }
}

#[derive(Debug, Clone)]
enum Move {
    /// The log grows.
    Append(u64),
    /// The stream delivers some of what the ring lacks.
    Arrive(u64),
    /// The stream delivers what was there already.
    Repeat,
    /// The stream delivers what comes after a hole, as a faulty core might. Not as its first event: only
    /// the core knows the offset that a subscription begins at.
    Skip(u64),
    /// All rings are short of room.
    Halve,
    /// Old events are trimmed.
    Trim(u64),
    /// The log begins anew under another stamp.
    Fork,
    /// A reader joins at the head, or back from it.
    Join(u64),
    /// A reader takes a step.
    Read(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1..6u64).prop_map(Move::Append),
        4 => (1..6u64).prop_map(Move::Arrive),
        1 => Just(Move::Repeat),
        1 => (1..4u64).prop_map(Move::Skip),
        1 => Just(Move::Halve),
        1 => (1..8u64).prop_map(Move::Trim),
        1 => Just(Move::Fork),
        2 => (0..8u64).prop_map(Move::Join),
        8 => (0..4usize).prop_map(Move::Read),
    ];
    prop::collection::vec(one, 1..200)
}

/// A reader and what it was given since it last began.
#[derive(Debug)]
struct Watcher {
    place: Place,
    begun_after: u64,
    stamp: u32,
    got: Vec<Arc<Encoded>>,
}

#[derive(Debug)]
struct World {
    log: Log,
    ring: Ring,
    /// The offset the stream has delivered up to.
    arrived: u64,
    /// Something arrived since the subscription began.
    has_begun: bool,
    watchers: Vec<Watcher>,
}

impl World {
    fn new() -> Self {
        let log = Log { first: 1, head: 0, stamp: 1 };
        let ring = ring_at(&log.cursor(0));
        Self { log, ring, arrived: 0, has_begun: false, watchers: Vec::new() }
    }

    fn play(&mut self, step: Move) {
        match step {
            Move::Append(count) => self.log.head += count,
            Move::Arrive(count) => {
                for _ in 0..count.min(self.log.head - self.arrived) {
                    self.arrived += 1;
                    self.has_begun = true;
                    self.ring.push(event(self.arrived, self.log.stamp));
                }
            }
            Move::Repeat => {
                if self.arrived > 0 {
                    let again = self.ring.push(event(self.arrived, self.log.stamp));
                    assert_ne!(again, Arrival::Forked);
                }
            }
            Move::Skip(count) => {
                let next = self.arrived + 1 + count;
                if self.has_begun && next <= self.log.head {
                    self.arrived = next;
                    self.ring.push(event(next, self.log.stamp));
                }
            }
            Move::Halve => self.ring.halve(),
            Move::Trim(count) => {
                self.log.first = (self.log.first + count).min(self.log.head + 1);
                // The stream's own subscription is reset where it could not go on.
                if self.arrived + 1 < self.log.first {
                    self.reset();
                }
            }
            Move::Fork => {
                self.log = Log { first: 1, head: 0, stamp: self.log.stamp + 1 };
                self.reset();
            }
            Move::Join(back) => self.join(back),
            Move::Read(which) => self.read(which),
        }
    }

    fn reset(&mut self) {
        self.arrived = self.log.head;
        self.has_begun = false;
        self.ring.reset(&self.log.cursor(self.log.head));
    }

    fn join(&mut self, back: u64) {
        let begun_after = self.log.head.saturating_sub(back).max(self.log.first - 1);
        self.watchers.push(Watcher {
            place: Place::new(&self.log.cursor(begun_after), self.ring.generation()),
            begun_after,
            stamp: self.log.stamp,
            got: Vec::new(),
        });
    }

    fn read(&mut self, which: usize) {
        let count = self.watchers.len();
        if count == 0 {
            return;
        }
        let watcher = &mut self.watchers[which % count];
        let mut step = watcher.place.step(&self.ring);
        if matches!(step, Step::ReadLog) {
            step = watcher.place.take(&self.log.page(watcher.place.cursor()));
        }
        match step {
            Step::Deliver(events) => {
                for event in events {
                    watcher.place.advance(&event);
                    watcher.got.push(event);
                }
            }
            Step::Wait | Step::ReadLog => {}
            Step::JoinAgain => watcher.join_again(&self.log, self.ring.generation()),
        }
    }

    /// With everything delivered, every reader comes to the head.
    fn settle(&mut self) {
        self.play(Move::Arrive(u64::MAX));
        for which in 0..self.watchers.len() {
            for _ in 0..200 {
                self.read(which);
            }
            assert_eq!(self.watchers[which].place.cursor(), self.log.cursor(self.log.head));
        }
    }

    fn check(&self) {
        for watcher in &self.watchers {
            for (event, offset) in watcher.got.iter().zip(watcher.begun_after + 1..) {
                assert_eq!(event.cursor(), cursor(offset, watcher.stamp));
            }
        }
    }
}

impl Watcher {
    /// As the core decides: a history that is whole goes on, any other begins at the head.
    fn join_again(&mut self, log: &Log, generation: u64) {
        if log.find(self.place.cursor()).is_some() {
            self.place.confirm(generation);
            return;
        }
        self.begun_after = log.head;
        self.stamp = log.stamp;
        self.got.clear();
        self.place = Place::new(&log.cursor(log.head), generation);
    }
}

proptest! {
    #[test]
    fn a_reader_gets_a_contiguous_piece_of_the_log(moves in moves()) {
        let mut world = World::new();
        for step in moves {
            world.play(step);
            world.check();
        }
        world.settle();
        world.check();
    }
}

#[test]
fn a_ring_is_bounded_and_those_behind_it_are_sent_to_the_log() {
    let mut ring = ring_at(&cursor(0, 1));
    for offset in 1..=5000 {
        assert_eq!(ring.push(event(offset, 1)), Arrival::Appended);
    }
    let behind = Place::new(&cursor(0, 1), 0);
    assert!(matches!(ring.after(&behind), Found::Elsewhere));
    let near = Place::new(&cursor(4990, 1), 0);
    let Found::Events(events) = ring.after(&near) else { panic!("the ring has them") };
    assert_eq!(events.len(), 10);
    assert_eq!(events[0].offset(), 4991);
}

#[test]
fn rings_hold_no_more_together_than_they_may_and_the_log_has_the_rest() {
    let budget = Budget::new(event(1, 1).size() * 2);
    let mut rings = [(); 3].map(|()| Ring::new(&cursor(0, 1), &budget));
    for offset in 1..=9 {
        for ring in &mut rings {
            assert_eq!(ring.push(event(offset, 1)), Arrival::Appended);
            assert!(!budget.is_exceeded());
        }
    }
    let [.., last] = &mut rings;
    assert_eq!(last.head(), cursor(9, 1));
    let place = |offset| Place::new(&cursor(offset, 1), 0);
    assert!(matches!(last.after(&place(8)), Found::Elsewhere));
    assert!(matches!(last.after(&place(9)), Found::AtHead));
    assert_eq!(last.push(event(9, 1)), Arrival::Known);
    assert_eq!(last.push(event(8, 1)), Arrival::Known, "it has let go of it");
    assert_eq!(last.push(event(11, 1)), Arrival::Skipped);
    assert_eq!(last.push(event(11, 2)), Arrival::Forked);
    drop(rings);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn topics_in_which_nothing_happens_give_way_where_room_is_short() {
    let feeds = nowhere();
    let feed = feeds.open(&room()).unwrap();
    for offset in 1..=4 {
        assert_eq!(feed.state().ring.push(event(offset, 1)), Arrival::Appended);
    }
    let (held, mut other) = (feeds.0.rings.held(), feeds.0.rings.share());
    feeds.relieve();
    assert_eq!(feeds.0.rings.held(), held, "there is room enough");
    other.add(RINGS_BYTES_MAX / 2);
    for left in [held / 2, held / 4, 0] {
        feeds.relieve();
        assert_eq!(feeds.0.rings.held() - other.bytes(), left);
    }
    assert_eq!(feed.head(), cursor(4, 1));
}

#[test]
fn an_event_in_the_place_of_another_is_another_history() {
    let mut ring = ring_at(&cursor(0, 1));
    ring.push(event(1, 1));
    ring.push(event(2, 1));
    let mut place = Place::new(&cursor(1, 1), ring.generation());
    assert!(matches!(place.step(&ring), Step::Deliver(_)));
    place.advance(&event(2, 1));
    assert_eq!(ring.push(event(2, 2)), Arrival::Forked);
    assert!(matches!(place.step(&ring), Step::JoinAgain));
}

#[test]
fn a_reader_ahead_of_the_ring_waits_for_it() {
    let mut ring = ring_at(&cursor(0, 1));
    ring.push(event(1, 1));
    let mut place = Place::new(&cursor(0, 1), 0);
    for offset in 1..=3 {
        place.advance(&event(offset, 1));
    }
    assert!(matches!(place.step(&ring), Step::Wait));
    for offset in 2..=4 {
        ring.push(event(offset, 1));
    }
    let Step::Deliver(events) = place.step(&ring) else { panic!("event 4 follows") };
    assert_eq!(events[0].offset(), 4);
}

fn room() -> JoinResponse {
    JoinResponse { topic: "room:a".to_owned(), ..JoinResponse::default() }
}

#[tokio::test]
async fn a_topic_is_let_go_of_a_while_after_it_was_left_however_often_it_was_left() {
    let feeds = nowhere();
    for _ in 0..100 {
        feeds.release(&feeds.open(&room()).unwrap());
    }
    assert_eq!(feeds.table().idle.len(), 1, "more of it would be kept than of the topic");
    let later = Instant::now() + LINGER;
    let back = feeds.open(&room()).unwrap();
    assert!(feeds.expire(later).is_empty(), "it is read again");
    feeds.release(&back);
    assert!(feeds.expire(Instant::now()).is_empty(), "somebody may come back");
    assert_eq!(feeds.expire(Instant::now() + LINGER).len(), 1);
    assert!(feeds.is_empty() && feeds.table().idle.is_empty());
}

#[tokio::test]
async fn a_feed_that_is_over_takes_none_with_it_that_came_after_it() {
    let feeds = nowhere();
    let over = feeds.open(&room()).unwrap();
    feeds.forget(&over);
    let fresh = feeds.open(&room()).unwrap();
    feeds.release(&over);
    assert!(feeds.expire(Instant::now() + LINGER).is_empty());
    assert!(feeds.knows(&fresh));
}
