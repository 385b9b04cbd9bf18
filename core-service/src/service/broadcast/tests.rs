//! Over a real store.

use std::path::PathBuf;

use roomcast_identity::{ServiceKeys, UserKeys};
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::auth::{Access, Keys, Rules};
use crate::bus::Bus;
use crate::config::Config;
use crate::domain::access::Admission;
use crate::store::CleanBudget;
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// A door in development, and logs with this retention.
fn broadcast(folder: &TempDir, retention: &str) -> Broadcast {
    let config = Config::development(PathBuf::new());
    let users = UserKeys::new(config.user_keys()).expect("no keys");
    let services = ServiceKeys::new(Vec::new()).expect("no keys");
    let rules = Rules { is_dev: true, rooms: config.rooms.clone(), requests: None };
    let door = Door::new(Keys { users, services }, Access::new(Admission::Any), now, rules);
    let retentions = Retentions::new(&[retention.parse().expect("a retention")]);
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    let store = SqliteConfig { retentions: retentions.clone(), ..SqliteConfig::new(folder.path()) };
    let store = SqliteStore::open(store, Arc::new(now), tap).expect("opens");
    let log = Log::new(Arc::new(store), bus, Alarm::default());
    Broadcast::new(log, Arc::new(door), retentions, CancellationToken::new())
}

async fn publish(broadcast: &Broadcast) -> v1::Published {
    let event = v1::NewEvent {
        r#type: "said".into(),
        payload: Some(v1::Payload { data: "{}".into(), ..v1::Payload::default() }),
    };
    let wanted = v1::PublishRequest {
        topic: "room:lobby".into(),
        event: Some(event),
        ..v1::PublishRequest::default()
    };
    let published = broadcast.publish(Request::new(wanted)).await.expect("published");
    published.into_inner().published.expect("one")
}

async fn list(broadcast: &Broadcast, since: &str) -> v1::ListEventsResponse {
    let wanted = v1::ListEventsRequest {
        topic: "room:lobby".into(),
        since: since.into(),
        ..v1::ListEventsRequest::default()
    };
    broadcast.list_events(Request::new(wanted)).await.expect("a page").into_inner()
}

async fn clean(broadcast: &Broadcast) {
    let budget = CleanBudget { now: now(), events: 10, time: Duration::from_secs(1) };
    broadcast.log.store().clean(budget).await.expect("cleaned");
}

#[tokio::test]
async fn a_page_of_a_log_whose_events_have_all_gone_ends_at_its_head() {
    let folder = TempDir::new().expect("a folder");
    let broadcast = broadcast(&folder, "room=events:0");
    assert_eq!(list(&broadcast, "").await.cursor, list(&broadcast, "").await.head);
    let first = publish(&broadcast).await;
    let last = publish(&broadcast).await;
    clean(&broadcast).await;
    for since in ["", first.cursor.as_str(), last.cursor.as_str()] {
        let page = list(&broadcast, since).await;
        assert_eq!(page.events, [], "nothing is retained");
        assert_eq!((&page.cursor, &page.head), (&last.cursor, &last.cursor), "after `{since}`");
        assert_eq!(page.reset.is_some(), since == first.cursor);
    }
}

#[tokio::test]
async fn the_newest_events_are_found_without_reading_those_before_them() {
    let folder = TempDir::new().expect("a folder");
    let broadcast = broadcast(&folder, "room=events:4");
    let newest = async |last: i32, page_size: i32| {
        let topic = "room:lobby".to_owned();
        let wanted = v1::ListEventsRequest { topic, last, page_size, ..Default::default() };
        broadcast.list_events(Request::new(wanted)).await.map(Response::into_inner)
    };
    let none = newest(3, 0).await.expect("a page");
    assert_eq!((none.events.len(), none.cursor == none.head), (0, true), "of an empty log");
    let mut told = Vec::new();
    for _ in 0..150 {
        told.push(publish(&broadcast).await.cursor);
    }
    for (last, page_size, expected) in [
        (1, 0, &told[149..]),
        (120, 0, &told[30..]),
        (150, 0, &told[..]),
        (151, 0, &told[..]),
        (120, 7, &told[30..37]),
    ] {
        let page = newest(last, page_size).await.expect("a page");
        let found: Vec<_> = page.events.iter().map(|event| event.cursor.clone()).collect();
        assert_eq!(found, expected, "the newest {last}");
        assert_eq!((page.cursor, page.reset), (expected[expected.len() - 1].clone(), None));
        assert_eq!(page.head, told[149]);
    }
    while newest(1000, 0).await.expect("a page").events.len() > 4 {
        clean(&broadcast).await;
    }
    let found = newest(9, 0).await.expect("a page");
    assert_eq!((found.events.len(), &found.cursor), (4, &told[149]), "as many as are kept");
    for wrong in [-1, 1001] {
        assert_eq!(
            Code::of(&newest(wrong, 0).await.expect_err("out of range")),
            Code::InvalidArgument
        );
    }
    let topic = "room:lobby".to_owned();
    let both =
        v1::ListEventsRequest { topic, last: 1, since: told[0].clone(), ..Default::default() };
    let refused = broadcast.list_events(Request::new(both)).await.expect_err("one or the other");
    assert_eq!(Code::of(&refused), Code::InvalidArgument);
}
