//! Batches that go by where their lane has left the topics.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomcast_test_servers::{Gate, Postgres};

use super::cluster::{insist, open, publish, room, text};
use super::lane::{publish_while_held, together};
use super::statements::{COUNTING, COUNTS, count};
use crate::domain::event::{Event, Linked};
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::commit::{Action, Command, Committed};
use crate::store::postgres::{LANES, PostgresConfig, PostgresStore, order};
use crate::store::{CleanBudget, PageLimit, Store as _};

/// After so many batches a lane knows that it is alone at a topic.
const SETTLED: u64 = 3;

/// Publishes until the lane goes by its memory.
async fn settle(store: &PostgresStore, topic: &Topic) {
    for n in 1..=SETTLED {
        assert_eq!(insist(store, topic, &format!("settled {topic} {n}")).await, n);
    }
}

async fn events(store: &PostgresStore, topic: &Topic) -> Vec<Arc<Event>> {
    store.read(topic, 0, PageLimit::REPLAY).await.expect("a page").events
}

/// As lanes lock topics' rows.
const LOCK: &str = "%FROM topic t WHERE t.id = ANY%FOR UPDATE%";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_is_alone_at_a_topic_reads_nothing_before_it_writes() {
    let server = Postgres::start_with(&COUNTING, &[]);
    let store = open(server.url());
    server.say(COUNTS);
    settle(&store, &room(0)).await;
    let before = count(&server, LOCK);
    assert!(before > 0, "the first ones were read");
    for n in 1..=SETTLED {
        assert_eq!(insist(&store, &room(0), &format!("more {n}")).await, SETTLED + n);
    }
    assert_eq!(count(&server, LOCK), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_core_has_written_meanwhile_is_never_written_over() {
    let server = Postgres::start();
    let (one, other) = (open(server.url()), open(server.url()));
    let mut said = Vec::new();
    for round in 0..3 {
        for store in [&one, &other] {
            for n in 0..=SETTLED {
                let text = format!("{round} {:p} {n}", std::ptr::from_ref(store));
                said.push(text.clone());
                assert_eq!(insist(store, &room(0), &text).await, said.len() as u64);
            }
        }
    }
    let found: Vec<String> = events(&one, &room(0)).await.iter().map(|one| text(one)).collect();
    assert_eq!(found, said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_another_core_was_at_costs_its_neighbours_in_a_batch_nothing() {
    let [preloads, tracks] = COUNTING;
    let server = Postgres::start_with(&[preloads, tracks, "max_prepared_transactions=1"], &[]);
    let (one, other) = (open(server.url()), open(server.url()));
    server.say(COUNTS);
    let lane = |n| order(&publish(room(n), "")) % LANES as u64;
    let contested = 100;
    let neighbour = (contested + 1..).find(|n| lane(*n) == lane(contested)).expect("a room");
    let both = [room(contested), room(neighbour)];
    for topic in &both {
        settle(&one, topic).await;
    }
    insist(&other, &both[0], "meanwhile").await;
    let said = both.iter().map(|topic| publish(topic.clone(), &format!("together {topic}")));
    assert!(together(&server, &one, said).await.iter().all(Result::is_ok));
    let before = count(&server, LOCK);
    assert_eq!(insist(&one, &both[1], "after").await, SETTLED + 2);
    assert_eq!(count(&server, LOCK), before);
    assert_eq!(insist(&one, &both[0], "after it").await, SETTLED + 3);
    assert_eq!(count(&server, LOCK), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_by_what_a_lane_remembers() {
    let server = Postgres::start();
    let (one, other) = (open(server.url()), open(server.url()));
    settle(&one, &room(0)).await;
    let expecting = |expected| {
        let mut command = publish(room(0), &format!("expecting {expected}"));
        let Action::Publish { expected_offset, .. } = &mut command.action else { unreachable!() };
        *expected_offset = Some(expected);
        command
    };
    assert_eq!(insist(&other, &room(0), "meanwhile").await, SETTLED + 1);
    one.commit(expecting(SETTLED)).await.expect_err("the head has moved on");
    settle_again(&one).await;
    assert_eq!(insist(&other, &room(0), "once more").await, 2 * SETTLED + 2);
    one.commit(expecting(2 * SETTLED + 2)).await.expect("the head is there");
}

async fn settle_again(store: &PostgresStore) {
    for n in 1..=SETTLED {
        assert_eq!(insist(store, &room(0), &format!("again {n}")).await, SETTLED + 1 + n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_used_with_another_core_is_answered_as_there() {
    let server = Postgres::start();
    let (one, other) = (open(server.url()), open(server.url()));
    settle(&one, &room(0)).await;
    settle(&other, &room(1)).await;
    insist(&other, &room(1), "said once").await;
    let said = one.commit(publish(room(0), "said once")).await.expect("answered");
    assert!(matches!(said, Committed::Published { is_replay: true, .. }), "{said:?}");
    assert_eq!(events(&one, &room(0)).await.len() as u64, SETTLED);
    assert_eq!(insist(&one, &room(0), "after").await, SETTLED + 1);
}

/// By the database's clock.
const ALL: CleanBudget =
    CleanBudget { now: Time(0), events: usize::MAX, time: Duration::from_secs(60) };

/// What is retained is counted in the row, which a cleaner writes as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cleaned_meanwhile_stays_counted() {
    let server = Postgres::start();
    let mut config = PostgresConfig::new(server.url());
    let few = format!("room=events:{}", SETTLED - 1).parse().expect("a retention");
    config.retentions = Retentions::new(&[few]);
    let store = PostgresStore::open(config, Arc::new(|_| {})).expect("opens");
    settle(&store, &room(0)).await;
    for n in 1..=SETTLED {
        store.clean(ALL).await.expect("cleaned");
        assert_eq!(insist(&store, &room(0), &format!("cleaned {n}")).await, SETTLED + n);
        let counted = "SELECT t.head - t.floor = count(*) AND t.bytes = sum(length(body))
             FROM topic t JOIN event e ON e.topic = t.id GROUP BY t.id";
        assert_eq!(server.say(counted), "t");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_from_memory_is_dated_after_the_wait_for_its_topic() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let store = open(server.url());
    settle(&store, &room(0)).await;
    let released = publish_while_held(&server, &store).await;
    let last = events(&store, &room(0)).await.pop().expect("an event");
    assert!(last.time >= released, "{last:?} {released:?}");
}

/// What the tap has told, in order.
type Heard = Arc<Mutex<Vec<Arc<Event>>>>;

fn overheard(url: String) -> (PostgresStore, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let tap = move |events: &[Linked]| {
        let events = events.iter().map(|linked| Arc::clone(&linked.event));
        hears.lock().expect("no panic").extend(events);
    };
    let store = PostgresStore::open(PostgresConfig::new(url), Arc::new(tap)).expect("opens");
    (store, heard)
}

/// A publish that goes without a key is one statement, which is a transaction by itself.
fn without_key(topic: Topic, text: &str) -> Command {
    Command { idempotency: None, ..publish(topic, text) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_heard_with_the_time_that_it_is_stored_with() {
    let server = Postgres::start();
    let (store, heard) = overheard(server.url());
    for n in 0..2 * SETTLED {
        store.commit(without_key(room(0), &n.to_string())).await.expect("published");
    }
    let stored = events(&store, &room(0)).await;
    assert_eq!(*heard.lock().expect("no panic"), stored);
    assert!(stored.is_sorted_by_key(|event| event.time) && stored[0].time > Time(0), "{stored:?}");
}

/// The second answer to be lost is that to the question whether the first commit was one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_found_and_dated_however_often_it_is_lost() {
    let server = Postgres::start();
    let gate = Gate::before(&server);
    let (store, heard) = overheard(gate.url());
    let mut told = 0;
    for lost in 1..=2 {
        for n in 0..=SETTLED {
            if n == SETTLED {
                gate.lose_commits(lost);
            }
            told += 1;
            let said = store.commit(publish(room(0), &format!("{lost} {n}"))).await;
            let Ok(Committed::Published { cursors, is_replay: false }) = said else {
                panic!("{said:?}")
            };
            assert_eq!(cursors[0].offset, told);
        }
        assert_eq!(gate.left_to_lose(), 0);
    }
    let stored = events(&store, &room(0)).await;
    assert_eq!(*heard.lock().expect("no panic"), stored);
}
