//! Over a real store, whose commits nobody hears of: as those of another core whose messages are lost.

use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::event::NewEvent;
use crate::domain::payload::Payload;
use crate::log::now;
use crate::store::CleanBudget;
use crate::store::commit::{Action, Command, Committed};
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// More than a room's events are kept.
const LONG: Duration = Duration::from_secs(2 * 24 * 3600);

/// A log of a writer session of its own.
fn open(folder: &TempDir) -> Log {
    let config = SqliteConfig::new(folder.path());
    let store = SqliteStore::open(config, Arc::new(now), Arc::new(|_| {})).expect("opens");
    Log::new(Arc::new(store), Bus::default(), Alarm::default())
}

async fn publish(log: &Log, topic: &Topic) -> Cursor {
    let event = NewEvent { kind: "said".into(), body: Body::Payload(Payload::json("{}")) };
    let (topic, events) = (topic.clone(), vec![event]);
    let action = Action::Publish { topic, events, expected_offset: None };
    let committed = log.commit(Command { action, idempotency: None, trace: None }).await;
    let Ok(Committed::Published { cursors, .. }) = committed else { panic!("{committed:?}") };
    cursors[0]
}

#[tokio::test]
async fn who_had_all_before_it_went_is_told_the_next_event_whoever_wrote_it() {
    let folder = TempDir::new().expect("a folder");
    let topic = Topic::new("acme", Kind::Room, "a").expect("a topic");
    let log = open(&folder);
    let last = publish(&log, &topic).await;
    let budget = CleanBudget { now: now() + LONG, events: 1, time: LONG };
    while log.store().clean(budget).await.expect("cleaned").events == 0 {}
    drop(log);
    let log = open(&folder);
    let begun =
        Subscription::begin(log.clone(), topic.clone(), Start::After(last), Vec::new()).await;
    let mut subscription = begun.expect("begins");
    let next = publish(&log, &topic).await;
    assert_ne!(next.stamp, last.stamp);
    let told = subscription.next().await.expect("a frame");
    let Some(Frame::Events(events)) = &told else { panic!("{told:?}") };
    assert_eq!(events.iter().map(|event| event.cursor).collect::<Vec<_>>(), [next]);
}
