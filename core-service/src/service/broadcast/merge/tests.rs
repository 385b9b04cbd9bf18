//! Against a real store.

use futures::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::event::Event;
use crate::domain::payload::Payload;
use crate::domain::room::Declaration;
use crate::log::now;
use crate::store::PageLimit;
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// Milliseconds between two events, counted by the store's clock, which cuts them off.
const APART_MS: u64 = 99;

fn merger() -> (Merger, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    let mut rooms = Rooms::default();
    let merged = Declaration { merge: Some(Merge::LastValue), ..Declaration::default() };
    rooms.declare("load", merged).expect("a room");
    (Merger::new(log, Arc::new(rooms)), folder)
}

fn room(name: &str) -> Topic {
    Topic::new("acme", Kind::Room, name).expect("a topic")
}

async fn publish(merger: &Merger, kind: &str, value: &str) -> Result<u64, Error> {
    let event =
        NewEvent { kind: kind.into(), body: Body::Payload(Payload::json(value.to_owned())) };
    merger.publish(room("load"), event, None).await.map(|cursor| cursor.offset)
}

async fn log(merger: &Merger) -> Vec<Arc<Event>> {
    let store = merger.inner.log.store();
    store.read(&room("load"), 0, PageLimit::REPLAY).await.expect("a page").events
}

fn texts(log: &[Arc<Event>]) -> Vec<String> {
    let text = |event: &Arc<Event>| {
        let Body::Payload(payload) = &event.body else { panic!("{event:?} was not published") };
        String::from_utf8(payload.data.to_vec()).expect("text")
    };
    log.iter().map(text).collect()
}

#[tokio::test]
async fn the_first_value_is_logged_at_once_and_the_newest_when_the_interval_is_over() {
    let (merger, _folder) = merger();
    assert_eq!(publish(&merger, "cpu", "1").await, Ok(1));
    let values: Vec<String> = (2..=50).map(|value| value.to_string()).collect();
    let burst = join_all(values.iter().map(|value| publish(&merger, "cpu", value))).await;
    assert!(burst.iter().all(|offset| *offset == Ok(2)), "each is answered with the newest");
    let log = log(&merger).await;
    assert_eq!(texts(&log), ["1", "50"]);
    assert!(log[1].time.0 - log[0].time.0 >= APART_MS, "{log:?}");
}

#[tokio::test]
async fn one_publisher_after_another_gets_ten_a_second_and_keeps_its_order() {
    let (merger, _folder) = merger();
    for value in 1..=4_u64 {
        assert_eq!(publish(&merger, "cpu", &value.to_string()).await, Ok(value));
    }
    let log = log(&merger).await;
    assert_eq!(texts(&log), ["1", "2", "3", "4"]);
    assert!(log.windows(2).all(|pair| pair[1].time.0 - pair[0].time.0 >= APART_MS), "{log:?}");
}

#[tokio::test]
async fn event_types_are_merged_apart() {
    let (merger, _folder) = merger();
    let both = [publish(&merger, "cpu", "1"), publish(&merger, "memory", "2")];
    let mut offsets: Vec<_> = join_all(both).await.into_iter().flatten().collect();
    offsets.sort_unstable();
    assert_eq!(offsets, [1, 2], "neither waits for the other");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_logged_all_the_same() {
    let (merger, _folder) = merger();
    assert_eq!(publish(&merger, "cpu", "1").await, Ok(1));
    let gone = tokio::spawn({
        let merger = merger.clone();
        async move { publish(&merger, "cpu", "2").await }
    });
    while merger.inner.lanes().publishers == 0 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    let mut head = merger.inner.log.attach(&room("load"));
    head.wait(1).await;
    assert_eq!(texts(&log(&merger).await), ["1", "2"]);
}

#[tokio::test]
async fn what_waits_is_bounded_and_a_quiet_lane_holds_nothing() {
    let (merger, _folder) = merger();
    assert_eq!(publish(&merger, "cpu", "1").await, Ok(1));
    let value = "7".repeat(1 << 20);
    let kinds: Vec<String> = (0..10).map(|n| format!("kind-{n}")).collect();
    let crowd = join_all(kinds.iter().map(|kind| publish(&merger, kind, &value))).await;
    let refused = crowd.iter().filter(|outcome| **outcome == Err(Error::Overloaded)).count();
    assert_eq!(refused, 2, "8 MiB wait, no more");
    while !merger.inner.lanes().waiting.is_empty() {
        tokio::time::sleep(INTERVAL).await;
    }
    let lanes = merger.inner.lanes();
    assert_eq!((lanes.publishers, lanes.bytes), (0, 0));
}
