//! Against a real store.

use futures::FutureExt as _;
use futures::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::cursor::Resume;
use crate::domain::event::{Body, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::topic::Kind;
use crate::store::Tap;
use crate::store::commit::{Action, Command, Committed};
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// Longest wait for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// Less than a subscription waits that has nothing to tell.
const SOON: Duration = Duration::from_secs(5);

fn session() -> (Session, mpsc::Receiver<Answer>, TempDir) {
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    session_with((bus, tap))
}

/// The same with what the store tells its commits to.
fn session_with((bus, tap): (Bus, Tap)) -> (Session, mpsc::Receiver<Answer>, TempDir) {
    let folder = TempDir::new().expect("a folder");
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
async fn a_tenant_of_any_name_is_followed() {
    let (mut session, mut told, _folder) = session();
    let one = v1::TopicSubscription { tenant: "org:42/a b".into(), ..wanted(1, "room:open") };
    session.add(v1::AddTopics { subscriptions: vec![one] }).expect("added");
    let told = tokio::time::timeout(PATIENCE, told.recv()).await.expect("in time");
    let said = told.expect("a stream").expect("no error of the stream").response;
    let Some(Response::Notice(notice)) = said else { panic!("a notice: {said:?}") };
    let is_added = matches!(notice.notice, Some(v1::subscription_notice::Notice::Added(_)));
    assert!(is_added, "{notice:?}");
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
    let topic = Topic::new("acme", Kind::Room, "open").expect("a topic");
    for subscription_id in [1, 2] {
        session.shared.note_head(subscription_id, Cursor::default(), &topic);
    }
    session.forget_ended();
    assert!(session.shared.heads().keys().eq(&[1]), "nor is its place kept");
}

#[tokio::test]
async fn those_that_have_ended_leave_their_places_to_those_that_come_before_the_next_heartbeat() {
    let (mut session, _told, _folder) = session();
    let one = || v1::AddTopics { subscriptions: vec![wanted(u32::MAX, "room:open")] };
    let follow = |_| AbortOnDropHandle::new(tokio::spawn(std::future::pending()));
    session.subscriptions = (0..).zip((0..SUBSCRIPTIONS_MAX).map(follow)).collect();
    let refused = session.add(one()).expect_err("all go on");
    assert_eq!(Code::of(&refused), Code::TooManySubscriptions);
    let end = |_| AbortOnDropHandle::new(tokio::spawn(std::future::ready(())));
    session.subscriptions = (0..).zip((0..SUBSCRIPTIONS_MAX).map(end)).collect();
    for ended in session.subscriptions.values_mut() {
        ended.await.expect("it ends");
    }
    session.add(one()).expect("there is room");
    assert_eq!(session.subscriptions.len(), 1);
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

/// Commits an event that the bus does not bring.
async fn commit(log: &Log, topic: &Topic) -> Cursor {
    let event = NewEvent { kind: "said".into(), body: Body::Payload(Payload::json("{}")) };
    let (named, events) = (topic.clone(), vec![event]);
    let action = Action::Publish { topic: named, events, expected_offset: None };
    let committed = log.commit(Command { action, idempotency: None, trace: None }).await;
    let Ok(Committed::Published { cursors, .. }) = committed else { panic!("{committed:?}") };
    cursors[0]
}

/// Those who follow a topic are told where it stands, as is found later.
fn find(bus: &Bus, topic: &Topic, head: Cursor) {
    bus.settle(topic, Cursor::START, head, Resume::Whole);
}

/// Waits for what is told that `is_meant`.
async fn until(told: &mut mpsc::Receiver<Answer>, is_meant: impl Fn(&Response) -> bool) {
    let meant = async {
        loop {
            let told = told.recv().await.expect("a stream").expect("no error of the stream");
            if told.response.as_ref().is_some_and(&is_meant) {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, meant).await.expect("told in time");
}

/// Adds so many rooms at once and waits until each is followed.
async fn follow_rooms(
    session: &mut Session,
    told: &mut mpsc::Receiver<Answer>,
    count: usize,
) -> Vec<Topic> {
    let topic = |n: usize| Topic::new("acme", Kind::Room, &format!("r{n}")).expect("a topic");
    let topics: Vec<Topic> = (0..count).map(topic).collect();
    let all: Vec<_> = (0..).zip(&topics).map(|(id, topic)| wanted(id, topic.full())).collect();
    for chunk in all.chunks(ADD_MAX) {
        session.add(v1::AddTopics { subscriptions: chunk.to_vec() }).expect("added");
    }
    for _ in &topics {
        until(told, |told| {
            let Response::Notice(notice) = told else { return false };
            let Some(notice) = &notice.notice else { return false };
            assert!(matches!(notice, v1::subscription_notice::Notice::Added(_)), "{notice:?}");
            true
        })
        .await;
    }
    topics
}

#[tokio::test]
async fn who_has_replayed_all_leaves_its_place_to_others_while_it_waits() {
    let bus = Bus::default();
    let tap: Tap = Arc::new(|_| {});
    let (mut session, mut told, _folder) = session_with((bus.clone(), tap));
    let topics = follow_rooms(&mut session, &mut told, REPLAYS_AT_ONCE + 1).await;
    // One more than there are places; then the first, which would have lost its own to the last.
    for (id, topic) in (0..).zip(&topics).chain([(0, &topics[0]); 2]) {
        find(&bus, topic, commit(&session.shared.log, topic).await);
        until(
            &mut told,
            |told| matches!(told, Response::Events(events) if events.subscription_id == id),
        )
        .await;
    }
}

/// More topics than the store's readers take at once.
const FLOOD: usize = 3000;

#[tokio::test]
async fn an_edge_that_brings_all_its_topics_at_once_is_refused_none() {
    let (mut session, mut told, _folder) = session();
    follow_rooms(&mut session, &mut told, FLOOD).await;
}

#[tokio::test]
async fn topics_that_are_all_behind_at_once_read_the_log_in_turn_and_none_breaks_off() {
    let bus = Bus::default();
    let tap: Tap = Arc::new(|_| {});
    let (mut session, mut told, _folder) = session_with((bus.clone(), tap));
    let topics = follow_rooms(&mut session, &mut told, FLOOD).await;
    let heads = join_all(topics.iter().map(|topic| commit(&session.shared.log, topic))).await;
    for (topic, head) in topics.iter().zip(heads) {
        find(&bus, topic, head);
    }
    for _ in &topics {
        until(&mut told, |told| match told {
            Response::Events(_) => true,
            Response::Notice(notice) => panic!("{notice:?}"),
            Response::Opened(_) | Response::Heartbeat(_) | Response::Draining(_) => false,
        })
        .await;
    }
}
