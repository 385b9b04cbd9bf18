//! Cleaning, where it is this engine's own.

use std::sync::Arc;
use std::time::Duration;

use roomcast_test_servers::Postgres;

use super::cluster::{insist, open, room};
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::store::postgres::crowded::LOOKED_AT_MAX;
use crate::store::postgres::{PostgresConfig, PostgresStore};
use crate::store::{CleanBudget, Cleaned, Error, PageLimit, Store as _};

/// By the database's clock.
const BUDGET: CleanBudget =
    CleanBudget { now: Time(0), events: 10_000, time: Duration::from_secs(9) };

/// What each cleaning did, until nothing is left.
async fn clean(store: &PostgresStore) -> Vec<Cleaned> {
    let mut all = Vec::new();
    loop {
        let cleaned = store.clean(BUDGET).await.expect("cleaned");
        if cleaned == Cleaned::default() {
            return all;
        }
        all.push(cleaned);
    }
}

fn opened_with(server: &Postgres, retention: &str) -> PostgresStore {
    let mut config = PostgresConfig::new(server.url());
    config.retentions = Retentions::new(&[retention.parse().expect("a retention")]);
    PostgresStore::open(config, Arc::new(|_| {})).expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_a_smaller_retention_leaves_too_large_are_found_some_at_a_time() {
    let server = Postgres::start();
    let store = open(server.url());
    for (n, text) in (0..2).flat_map(|n| ["a", "b", "c"].map(|text| (n, text))) {
        insist(&store, &room(n), &format!("{n}{text}")).await;
    }
    drop(store);
    let all = LOOKED_AT_MAX + 10;
    // One of the two is among the last.
    server.say(&format!(
        "UPDATE topic SET id = id + {all} - 2; UPDATE event SET topic = topic + {all} - 2;
         UPDATE topic SET id = 1 WHERE id = {all} - 1; UPDATE event SET topic = 1 WHERE topic = {all} - 1;
         INSERT INTO topic(id, kind, tenant, name)
           SELECT n, 4, 'acme', 'empty-' || n FROM generate_series(2, {all} - 1) n"
    ));
    let store = opened_with(&server, "room=events:1");
    assert_eq!(server.say("SELECT count(*) FROM topic WHERE is_crowded"), "0", "a start is short");
    let did = clean(&store).await.into_iter().map(|one| (one.topics, one.events));
    assert_eq!(did.collect::<Vec<_>>(), [(LOOKED_AT_MAX as u64, 2), (10, 2)]);
    for n in 0..2 {
        let position = store.position(&room(n), None).await.expect("a position");
        assert_eq!((position.floor, position.head.offset), (2, 3));
    }
    assert_eq!(server.say("SELECT count(*) FROM topic WHERE is_crowded"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_topic_keeps_no_other_from_being_cleaned() {
    let server = Postgres::start();
    let store = open(server.url());
    for (n, text) in (0..5).flat_map(|n| ["a", "b", "c"].map(|text| (n, text))) {
        insist(&store, &room(n), &format!("{n}{text}")).await;
    }
    // The oldest first: each would be cleaned before the one that is whole.
    server.say(
        "UPDATE topic SET oldest = id; UPDATE event SET time = topic;
         DELETE FROM event e USING topic t WHERE e.topic = t.id
           AND (t.name = 'room-0' AND e.\"offset\" = 2 OR t.name = 'room-1' AND e.\"offset\" = 3);
         UPDATE topic SET types = 'none' WHERE name = 'room-2';
         UPDATE topic SET is_crowded = true, bytes = 1 << 30 WHERE name IN ('room-1', 'room-3')",
    );
    let did = clean(&store).await;
    assert_eq!(did.iter().map(|one| one.events).sum::<u64>(), 6, "{did:?}");
    for (n, floor) in [0, 0, 0, 3, 3].into_iter().enumerate() {
        let found = format!("SELECT floor FROM topic WHERE name = 'room-{n}'");
        assert_eq!(server.say(&found), floor.to_string(), "{n}");
    }
    let read = store.read(&room(0), 0, PageLimit::REPLAY).await;
    assert!(matches!(read, Err(Error::Damaged(_))), "{read:?}");
    assert_eq!(insist(&store, &room(4), "after").await, 4);
}
