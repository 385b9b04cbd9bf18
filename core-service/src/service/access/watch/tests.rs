//! Over a real store, with a pulse that the test beats.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt as _;
use roomcast_identity::{ServiceKeys, UserKeys};
use roomcast_proto::v1::access_service_server::AccessService as _;
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::auth::{Access, Keys, Rules};
use crate::bus::Bus;
use crate::bus::pulse::Pulse;
use crate::config::Config;
use crate::domain::access::{Admission, Command as AccessCommand, Touched};
use crate::domain::retention::Retentions;
use crate::log::now;
use crate::service::access::Accesses;
use crate::store::Tap;
use crate::store::commit::{Action, Command, Committed};
use crate::store::sqlite::{SqliteConfig, SqliteStore};
use crate::subscription;

/// How long an edge relies on a heartbeat.
const RELIED_ON: Duration = Duration::from_secs(4);
/// More than any task here needs to get on.
const TURNS: usize = 100;

fn door() -> Arc<Door> {
    let config = Config::development(PathBuf::new());
    let users = UserKeys::new(config.user_keys()).expect("no keys");
    let services = ServiceKeys::new(Vec::new()).expect("no keys");
    let rules = Rules { is_dev: true, rooms: config.rooms.clone(), requests: None };
    Arc::new(Door::new(Keys { users, services }, Access::new(Admission::Any), now, rules))
}

async fn next(frames: &mut Frames) -> Told {
    frames.next().await.expect("a stream that goes on").expect("a frame").frame.expect("one")
}

/// A log, a door that follows it, and the stream of an edge that has begun.
async fn begun(
    folder: &TempDir,
    pulse: &Pulse,
    stop: &CancellationToken,
) -> (Log, Arc<Door>, Frames) {
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    begun_with((bus, tap), folder, pulse, stop).await
}

/// The same with what the store tells its commits to.
async fn begun_with(
    (bus, tap): (Bus, Tap),
    folder: &TempDir,
    pulse: &Pulse,
    stop: &CancellationToken,
) -> (Log, Arc<Door>, Frames) {
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    let log = log.telling(None, pulse.clone());
    let door = door();
    let access = door.access().clone();
    tokio::spawn(subscription::access::follow(log.clone(), access, stop.clone()));
    let mut frames = open(&log, &door, "", stop.clone()).await.expect("it opens");
    assert!(matches!(next(&mut frames).await, Told::Opened(_)));
    (log, door, frames)
}

/// Has somebody's rights asked for anew. Answers where that stands.
async fn recheck(log: &Log, subject: &str) -> Cursor {
    let action = Action::Access(AccessCommand::Recheck(Touched::subject("acme", subject)));
    let command = Command { action, idempotency: None, trace: None };
    let committed = log.commit(command).await;
    let Ok(Committed::Access { cursor: Some(cursor), .. }) = committed else {
        panic!("{committed:?}")
    };
    cursor
}

#[tokio::test]
async fn only_a_beat_is_a_heartbeat_and_only_for_an_edge_that_was_told_all_of_it() {
    let folder = TempDir::new().expect("a folder");
    let (pulse, stop) = (Pulse::default(), CancellationToken::new());
    let (log, _, mut frames) = begun(&folder, &pulse, &stop).await;

    pulse.beat(Instant::now(), Cursor::START);
    assert!(matches!(next(&mut frames).await, Told::Heartbeat(_)));

    // The store has a change that has not come this way yet: nothing is said before it has.
    pulse.beat(Instant::now(), Cursor { offset: 1, stamp: 1 });
    tokio::task::yield_now().await;
    recheck(&log, "eve").await;
    let Told::Changed(changed) = next(&mut frames).await else { panic!("no change") };
    let at = Cursor::parse(&changed.cursor, &Topic::access()).expect("a cursor");
    pulse.beat(Instant::now(), at);
    let Told::Heartbeat(heartbeat) = next(&mut frames).await else { panic!("no heartbeat") };
    assert_eq!(heartbeat.cursor, changed.cursor);
    stop.cancel();
}

#[tokio::test]
async fn a_service_ends_a_connection_of_the_tenant_that_it_names() {
    let folder = TempDir::new().expect("a folder");
    let (pulse, stop) = (Pulse::default(), CancellationToken::new());
    let (log, door, mut frames) = begun(&folder, &pulse, &stop).await;
    let accesses = Accesses::new(log, door, Retentions::default(), stop.clone());
    let wanted = v1::RecordDisconnectRequest {
        connection_id: "c1".into(),
        user_id: "eve".into(),
        tenant: "acme".into(),
    };
    accesses.record_disconnect(tonic::Request::new(wanted)).await.expect("recorded");
    let Told::Changed(told) = next(&mut frames).await else { panic!("no change") };
    assert_eq!((&*told.tenant, &*told.connection_id), ("acme", "c1"));
    stop.cancel();
}

#[tokio::test]
async fn a_beat_that_comes_before_its_change_is_heard_with_the_change() {
    let folder = TempDir::new().expect("a folder");
    let (pulse, stop) = (Pulse::default(), CancellationToken::new());
    // What is committed reaches the stream when the test says so.
    let (bus, held) = (Bus::default(), Arc::new(Mutex::new(Vec::new())));
    let hold = Arc::clone(&held);
    let tap: Tap = Arc::new(move |events| hold.lock().expect("whole").extend_from_slice(events));
    let (log, _, mut frames) = begun_with((bus.clone(), tap), &folder, &pulse, &stop).await;
    let mut changes = Vec::new();
    for subject in ["ana", "eve", "bob"] {
        changes.push(recheck(&log, subject).await);
    }
    // In time, however slow this machine is.
    pulse.beat(Instant::now() + RELIED_ON, changes[1]);
    // The only thread is given up until the stream has taken it in.
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
    bus.publish(&held.lock().expect("whole"));
    let mut told = Vec::new();
    while told.len() < changes.len() + 1 {
        let next = tokio::time::timeout(RELIED_ON, next(&mut frames)).await;
        told.push(match next.expect("a frame in time") {
            Told::Changed(changed) => ("changed", changed.cursor),
            Told::Heartbeat(heartbeat) => ("heartbeat", heartbeat.cursor),
            Told::Opened(opened) => panic!("{opened:?}"),
        });
    }
    let at = |n: usize| changes[n].token(&Topic::access());
    let expected =
        [("changed", at(0)), ("changed", at(1)), ("heartbeat", at(1)), ("changed", at(2))];
    assert_eq!(told, expected);
    stop.cancel();
}
