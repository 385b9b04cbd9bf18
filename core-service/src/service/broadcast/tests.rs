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

/// A door in development, and logs that keep nothing of a room.
fn broadcast(folder: &TempDir) -> Broadcast {
    let config = Config::development(PathBuf::new());
    let users = UserKeys::new(config.user_keys()).expect("no keys");
    let services = ServiceKeys::new(Vec::new()).expect("no keys");
    let rules = Rules { is_dev: true, rooms: config.rooms.clone(), requests: None };
    let door = Door::new(Keys { users, services }, Access::new(Admission::Any), now, rules);
    let retentions = Retentions::new(&["room=events:0".parse().expect("a retention")]);
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

#[tokio::test]
async fn a_page_of_a_log_whose_events_have_all_gone_ends_at_its_head() {
    let folder = TempDir::new().expect("a folder");
    let broadcast = broadcast(&folder);
    assert_eq!(list(&broadcast, "").await.cursor, list(&broadcast, "").await.head);
    let first = publish(&broadcast).await;
    let last = publish(&broadcast).await;
    let budget = CleanBudget { now: now(), events: 10, time: Duration::from_secs(1) };
    broadcast.log.store().clean(budget).await.expect("cleaned");
    for since in ["", first.cursor.as_str(), last.cursor.as_str()] {
        let page = list(&broadcast, since).await;
        assert_eq!(page.events, [], "nothing is retained");
        assert_eq!((&page.cursor, &page.head), (&last.cursor, &last.cursor), "after `{since}`");
        assert_eq!(page.reset.is_some(), since == first.cursor);
    }
}
