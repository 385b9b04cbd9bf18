//! Against a real store.

use futures::FutureExt as _;
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::event::Body;
use crate::domain::payload::Payload;
use crate::domain::topic::Kind;
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// Longest wait for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(10);

fn session() -> (Session, mpsc::Receiver<Result<v1::SubscribeResponse, Status>>, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    let (sender, told) = mpsc::channel(RESPONSES_MAX);
    (Session::new(log, v1::Open::default(), sender), told, folder)
}

fn wanted(subscription_id: u32, topic: &str) -> v1::TopicSubscription {
    let (topic, tenant) = (topic.to_owned(), "acme".to_owned());
    v1::TopicSubscription { subscription_id, topic, tenant, since: String::new() }
}

#[tokio::test]
async fn a_subscription_that_has_ended_by_itself_counts_no_more() {
    let (mut session, mut told, _folder) = session();
    let subscriptions = vec![wanted(1, "room:open"), wanted(2, "no topic")];
    session.add(v1::AddTopics { subscriptions }).expect("added");
    let refused = async {
        loop {
            let told = told.recv().await.expect("a stream").expect("no error of the stream");
            let Some(Response::Notice(notice)) = told.response else { continue };
            if let Some(v1::subscription_notice::Notice::Error(_)) = notice.notice {
                return notice.subscription_id;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, refused).await, Ok(2));
    let forgotten = async {
        while session.subscriptions.len() > 1 {
            tokio::task::yield_now().await;
            session.forget_ended();
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.expect("it is forgotten");
    assert!(session.subscriptions.contains_key(&1), "the other goes on");
}

#[tokio::test]
async fn a_head_from_before_events_is_not_told_after_them() {
    let (session, mut told, _folder) = session();
    let topic = Topic::new("acme", Kind::Room, "open").expect("a topic");
    for subscription_id in [1, 2] {
        session.shared.note_head(subscription_id, Cursor::default(), &topic);
    }
    session.shared.events(1, &[]).await.expect("an edge that is there");
    session.shared.beat().await.expect("an edge that is there");
    let heads = async {
        loop {
            let told = told.recv().await.expect("a stream").expect("no error of the stream");
            let Some(Response::Heartbeat(beat)) = told.response else { continue };
            return beat.heads.iter().map(|head| head.subscription_id).collect::<Vec<_>>();
        }
    };
    assert_eq!(heads.await, [2]);
}

#[tokio::test]
async fn who_is_removed_while_events_wait_for_room_takes_no_credit_along() {
    let (session, mut told, _folder) = session();
    let event = Event {
        topic: Topic::new("acme", Kind::Room, "open").expect("a topic"),
        cursor: Cursor { offset: 1, stamp: 1 },
        time: now(),
        trace: None,
        kind: "said".into(),
        body: Body::Payload(Payload::json("{}")),
    };
    let events = [Arc::new(event)];
    let free = session.shared.credit.available_permits();
    for _ in 0..RESPONSES_MAX {
        session.shared.beat().await.expect("an edge that is there");
    }
    // Dropped where it waits.
    assert!(session.shared.events(1, &events).now_or_never().is_none());
    assert_eq!(session.shared.credit.available_permits(), free);
    told.recv().await.expect("a stream").expect("no error of the stream");
    session.shared.events(1, &events).await.expect("an edge that is there");
    assert!(session.shared.credit.available_permits() < free);
}
