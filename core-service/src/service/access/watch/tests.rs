//! Over a real store, with a pulse that the test beats.

use std::path::PathBuf;

use futures::StreamExt as _;
use roomcast_identity::{ServiceKeys, UserKeys};
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::auth::{Access, Keys, Rules};
use crate::bus::Bus;
use crate::bus::pulse::Pulse;
use crate::config::Config;
use crate::domain::access::{Admission, Command as AccessCommand, Touched};
use crate::log::now;
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

#[tokio::test]
async fn only_a_beat_is_a_heartbeat_and_only_for_an_edge_that_was_told_all_of_it() {
    let folder = TempDir::new().expect("a folder");
    let (bus, pulse, stop) = (Bus::default(), Pulse::default(), CancellationToken::new());
    let tap = Log::tap(&bus, |_| {});
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    let log = log.telling(None, pulse.clone());
    let door = door();
    let access = door.access().clone();
    tokio::spawn(subscription::access::follow(log.clone(), access, stop.clone()));
    let mut frames = open(&log, &door, "", stop.clone()).await.expect("it opens");
    assert!(matches!(next(&mut frames).await, Told::Opened(_)));

    pulse.beat(Instant::now(), Cursor::START);
    assert!(matches!(next(&mut frames).await, Told::Heartbeat(_)));

    // The store has a change that has not come this way yet: nothing is said before it has.
    pulse.beat(Instant::now(), Cursor { offset: 1, stamp: 1 });
    tokio::task::yield_now().await;
    let touched = Touched::subject("acme", "eve");
    let action = Action::Access(AccessCommand::Recheck(touched));
    log.commit(Command { action, idempotency: None, trace: None }).await.expect("committed");
    let Told::Changed(changed) = next(&mut frames).await else { panic!("no change") };
    pulse.beat(Instant::now(), Cursor::START);
    let Told::Heartbeat(heartbeat) = next(&mut frames).await else { panic!("no heartbeat") };
    assert_eq!(heartbeat.cursor, changed.cursor);
    stop.cancel();
}
