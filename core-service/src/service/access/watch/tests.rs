//! Over a real store, with a pulse that the test beats.

use std::path::PathBuf;

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
use crate::store::commit::{Action, Command};
use crate::store::sqlite::{SqliteConfig, SqliteStore};
use crate::subscription;

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
    let touched = Touched::subject("acme", "eve");
    let action = Action::Access(AccessCommand::Recheck(touched));
    log.commit(Command { action, idempotency: None, trace: None }).await.expect("committed");
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
