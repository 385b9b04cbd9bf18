//! A standby that takes over without the last commits, and a backup that is older than its readers: what
//! is lost is told to whoever has it, and nothing else takes its place in silence.

use std::sync::{Arc, Mutex};

use roomcast_test_servers::Postgres;

use super::cluster::{insist, open, publish, room};
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::Linked;
use crate::log::Log;
use crate::store::commit::Committed;
use crate::store::postgres::{PostgresConfig, PostgresStore};
use crate::store::{Error, Store as _};
use crate::subscription::{Frame, Start, Subscription};

const KEPT: u32 = 10;
const LOST: u32 = 5;

/// Publishes, and answers the cursor of each event.
async fn say(store: &PostgresStore, prefix: &str, count: u32) -> Vec<Cursor> {
    let mut cursors = Vec::new();
    for n in 0..count {
        let committed = store.commit(publish(room(0), &format!("{prefix}-{n}"))).await;
        let Ok(Committed::Published { cursors: of, .. }) = committed else {
            panic!("{committed:?}")
        };
        cursors.extend(of);
    }
    cursors
}

async fn judge(store: &PostgresStore, cursor: Cursor) -> Option<Resume> {
    store.position(&room(0), Some(cursor)).await.expect("a position").resume
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_what_a_promoted_standby_has_lost_are_reset() {
    let mut primary = Postgres::start();
    let standby = primary.standby();
    let store = open(primary.url_with(&standby));
    let kept = say(&store, "kept", KEPT).await;
    standby.follow_and_cut_off(&primary);
    let lost = say(&store, "lost", LOST).await;
    assert_eq!(judge(&store, lost[4]).await, Some(Resume::Whole));

    primary.kill();
    standby.promote();
    let promoted = open(standby.url());
    assert_eq!(promoted.cluster().name(), store.cluster().name(), "cores find each other there");
    drop(promoted);
    // The same store, by the same address, finds the server that takes writes.
    let offset = insist(&store, &room(0), "after-0").await;
    assert_eq!(offset, u64::from(KEPT) + 1, "the log goes on where the standby's ends");
    assert_eq!(judge(&store, kept[9]).await, Some(Resume::Whole));
    assert_eq!(judge(&store, lost[0]).await, Some(Resume::Forked));
    assert_eq!(judge(&store, lost[4]).await, Some(Resume::Ahead));
    say(&store, "more", LOST).await;
    assert_eq!(judge(&store, lost[4]).await, Some(Resume::Forked), "as long a log is not the same");
    // What was lost with its key is not remembered: asked again, it is there once.
    let again = store.commit(publish(room(0), "lost-0")).await.expect("committed");
    assert!(matches!(again, Committed::Published { is_replay: false, .. }), "{again:?}");
}

/// What the promoted standby's first core tells the others.
type Told = Arc<Mutex<Vec<Linked>>>;

/// What a follower is told next, heartbeats aside, however long the store cannot be read.
async fn next(follower: &mut Subscription) -> Frame {
    loop {
        match follower.next().await {
            Ok(Some(Frame::Heartbeat(_) | Frame::CaughtUp(_))) | Err(Error::Unavailable(_)) => {}
            Ok(Some(frame)) => return frame,
            other => panic!("{other:?}"),
        }
    }
}

async fn next_events(follower: &mut Subscription) -> Vec<Cursor> {
    let frame = next(follower).await;
    let Frame::Events(events) = frame else { panic!("{frame:?}") };
    events.iter().map(|event| event.cursor).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_is_reset_though_as_much_was_written_as_was_lost_before_anybody_looked() {
    let mut primary = Postgres::start();
    let standby = primary.standby();
    // Two cores that followed the old primary; nobody looks where their topics stand.
    let buses = [Bus::default(), Bus::default()];
    let tap = buses.clone();
    let tap = move |events: &[Linked]| tap.iter().for_each(|bus| bus.publish(events));
    let config = PostgresConfig::new(primary.url_with(&standby));
    let store = Arc::new(PostgresStore::open(config, Arc::new(tap)).expect("opens"));
    let mut followers = Vec::new();
    for bus in &buses {
        let log = Log::new(store.clone(), bus.clone(), Alarm::default());
        let begun = Subscription::begin(log, room(0), Start::Head, Vec::new()).await;
        followers.push(begun.expect("begins"));
    }
    say(&store, "kept", KEPT).await;
    standby.follow_and_cut_off(&primary);
    let lost = say(&store, "lost", LOST).await;
    for follower in &mut followers {
        while next_events(follower).await.last() != lost.last() {}
    }

    primary.kill();
    standby.promote();
    let told = Told::default();
    let tap = Arc::clone(&told);
    let tap = move |events: &[Linked]| tap.lock().expect("whole").extend_from_slice(events);
    let config = PostgresConfig::new(standby.url());
    let other = PostgresStore::open(config, Arc::new(tap)).expect("opens");
    let written = say(&other, "new", LOST + 1).await;
    assert_eq!(written[LOST as usize - 1].offset, lost[LOST as usize - 1].offset);
    // All but the last message are lost. One core gets it as an older one writes it.
    let last = told.lock().expect("whole").last().cloned().expect("an event");
    for (bus, names) in buses.iter().zip([true, false]) {
        let before = last.before.filter(|_| names);
        bus.publish(&[Linked { before, ..last.clone() }]);
    }
    let head = written.last().copied().expect("a cursor");
    for follower in &mut followers {
        assert_eq!(next(follower).await, Frame::Reset(Resume::Forked, head));
        assert!(matches!(next(follower).await, Frame::Snapshot(_)));
    }
    let more = say(&other, "more", 1).await;
    let last = told.lock().expect("whole").last().cloned().expect("an event");
    buses.iter().for_each(|bus| bus.publish(std::slice::from_ref(&last)));
    for follower in &mut followers {
        assert_eq!(next_events(follower).await, more);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_is_waited_for_loses_nothing() {
    let mut primary = Postgres::start();
    let standby = primary.standby();
    primary.say("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'");
    primary.say("SELECT pg_reload_conf()");
    // It is the checkpointer that makes commits wait: before this it takes the setting over.
    primary.say("CHECKPOINT");
    let store = open(primary.url_with(&standby));
    let said = say(&store, "kept", KEPT).await;
    primary.kill();
    standby.promote();
    standby.say("ALTER SYSTEM SET synchronous_standby_names = ''");
    standby.say("SELECT pg_reload_conf()");
    assert_eq!(insist(&store, &room(0), "after").await, u64::from(KEPT) + 1);
    for cursor in said {
        assert_eq!(judge(&store, cursor).await, Some(Resume::Whole));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_primary_is_not_written_to() {
    let primary = Postgres::start();
    let standby = primary.standby();
    let store = open(primary.url());
    say(&store, "kept", 1).await;
    let url = standby.url();
    let opened = tokio::task::spawn_blocking(move || {
        let config = crate::store::postgres::PostgresConfig::new(url);
        PostgresStore::open(config, Arc::new(|_| {})).map(drop)
    });
    let refused = opened.await.expect("no panic").expect_err("a standby").to_string();
    assert!(refused.contains("does not allow writes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beyond_a_restored_dump_are_reset() {
    let server = Postgres::start();
    let store = open(server.url());
    let kept = say(&store, "kept", KEPT).await;
    let dump = server.dump();
    let lost = say(&store, "lost", LOST).await;
    drop(store);

    let restored = Postgres::start();
    restored.restore(&dump);
    let store = open(restored.url());
    assert_eq!(judge(&store, kept[9]).await, Some(Resume::Whole));
    assert_eq!(judge(&store, lost[0]).await, Some(Resume::Ahead));
    say(&store, "other", LOST).await;
    for cursor in lost {
        assert_eq!(judge(&store, cursor).await, Some(Resume::Forked));
    }
    let written = store.writable();
    assert_eq!(written, Ok::<(), Error>(()));
}
