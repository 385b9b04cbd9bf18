//! Cleaning, where it is this engine's own.

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{fresh, open};
use crate::domain::event::{Body, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command};
use crate::store::conformance::Engine as _;
use crate::store::sqlite::connection::{self, Synchronous};
use crate::store::sqlite::crowded::{Crowded, LOOKED_AT_MAX, NOTED_MAX};
use crate::store::sqlite::rows::{Memory, Rows};
use crate::store::sqlite::{SqliteConfig, SqliteStore, clean};
use crate::store::{CleanBudget, Cleaned, Error, PageLimit, Store as _};

/// Past the age of every room, by the clock of the tests.
const LATER: Time = Time(2 * 24 * 3600 * 1000);

fn room(name: &str) -> Topic {
    Topic::new("acme", Kind::Room, name).expect("a topic")
}

async fn say(store: &SqliteStore, topic: &Topic, times: usize) {
    let said = NewEvent { kind: "said".into(), body: Body::Payload(Payload::json("{}")) };
    let events = vec![said; times];
    let action = Action::Publish { topic: topic.clone(), events, expected_offset: None };
    store.commit(Command { action, idempotency: None, trace: None }).await.expect("committed");
}

async fn clean(store: &SqliteStore, now: Time) -> Cleaned {
    let budget = CleanBudget { now, events: 10_000, time: Duration::from_secs(9) };
    store.clean(budget).await.expect("cleaned")
}

async fn floor(store: &SqliteStore, topic: &Topic) -> u64 {
    store.position(topic, None).await.expect("a position").floor
}

#[tokio::test]
async fn topics_that_a_smaller_retention_leaves_too_large_are_found_some_at_a_time() {
    let disk = fresh();
    let store = open(SqliteConfig::new(disk.0.path()));
    let rooms: Vec<Topic> = (0..LOOKED_AT_MAX + 10).map(|n| room(&n.to_string())).collect();
    join_all(rooms.iter().map(|room| say(&store, room, 3))).await;
    drop(store);
    let mut config = SqliteConfig::new(disk.0.path());
    config.retentions = Retentions::new(&["room=events:1".parse().expect("a retention")]);
    let store = open(config);
    let (mut looked_at, mut events) = (Vec::new(), 0);
    loop {
        let cleaned = clean(&store, Time(1)).await;
        if cleaned == Cleaned::default() {
            break;
        }
        events += cleaned.events;
        looked_at.extend(Some(cleaned.topics).filter(|topics| *topics > 0));
    }
    assert_eq!((looked_at, events), (vec![LOOKED_AT_MAX, 10], 2 * (LOOKED_AT_MAX + 10)));
    for room in &rooms {
        assert_eq!(floor(&store, room).await, 2, "{room}");
    }
}

#[test]
fn what_finds_no_room_among_the_noted_is_looked_for_again() {
    let disk = fresh();
    let tables = connection::open_writer(disk.0.path(), Synchronous::Full).expect("opens");
    let large = "INSERT INTO topic(id, kind, tenant, name) VALUES(7, 4, 'acme', 'large');
         INSERT INTO topic_head(topic, head) VALUES(7, 1000000)";
    tables.execute_batch(large).expect("written");
    let (retentions, mut crowded) = (Retentions::default(), Crowded::new());
    assert_eq!(crowded.look(&tables, &retentions).expect("looked"), 1);
    assert_eq!(crowded.any(), Some(room("large")));
    assert_eq!(crowded.look(&tables, &retentions).expect("looked"), 0, "all are known");
    crowded.relieve(&room("large"));
    crowded.roll_back();
    assert_eq!(crowded.any(), Some(room("large")), "it was not relieved after all");
    crowded.relieve(&room("large"));
    crowded.commit();
    (0..NOTED_MAX).for_each(|n| crowded.note(&room(&n.to_string())));
    crowded.note(&room("large"));
    assert_eq!(crowded.look(&tables, &retentions).expect("looked"), 0, "there is no room");
    (0..NOTED_MAX).for_each(|n| crowded.relieve(&room(&n.to_string())));
    assert_eq!(crowded.any(), None);
    assert_eq!(crowded.look(&tables, &retentions).expect("looked"), 1);
    assert_eq!(crowded.any(), Some(room("large")));
}

#[tokio::test]
async fn a_cleaning_whose_turn_comes_late_cleans_what_there_is() {
    let disk = fresh();
    let store = open(SqliteConfig::new(disk.0.path()));
    say(&store, &room("aged"), 3).await;
    drop(store);
    let connection = connection::open_writer(disk.0.path(), Synchronous::Full).expect("opens");
    let (mut memory, retentions) = (Memory::new(), Retentions::default());
    let mut rows = Rows { connection: &connection, memory: &mut memory, retentions: &retentions };
    let budget = CleanBudget { now: LATER, events: 10, time: Duration::from_secs(9) };
    // Those before it have taken all the time of their transaction.
    let cleaned = clean::clean(&mut rows, budget, Instant::now()).expect("cleaned");
    assert_eq!(cleaned.events, 3);
}

#[tokio::test]
async fn a_damaged_topic_keeps_no_other_from_being_cleaned() {
    let disk = fresh();
    let store = open(SqliteConfig::new(disk.0.path()));
    // The oldest first: each would be cleaned before the one that is whole.
    let rooms = ["hole", "young", "whole"].map(room);
    for room in &rooms {
        say(&store, room, 3).await;
    }
    drop(store);
    disk.alter(
        "DELETE FROM event WHERE topic = (SELECT id FROM topic WHERE name = 'hole') AND \"offset\" = 2;
         UPDATE topic SET oldest = 0 WHERE name IN ('hole', 'young');
         UPDATE event SET time = 1 << 40 WHERE topic = (SELECT id FROM topic WHERE name = 'young')",
    );
    let store = open(SqliteConfig::new(disk.0.path()));
    while clean(&store, LATER).await != Cleaned::default() {}
    let [hole, young, whole] = &rooms;
    assert_eq!((floor(&store, hole).await, floor(&store, young).await), (0, 0));
    assert_eq!(floor(&store, whole).await, 3);
    let read = store.read(hole, 0, PageLimit::REPLAY).await;
    assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
    say(&store, young, 1).await;
    assert_eq!(store.writable(), Ok(()));
}
