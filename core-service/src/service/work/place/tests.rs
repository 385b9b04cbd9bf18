//! Over a real store.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::alarm::Alarm;
use crate::bus::Bus;
use crate::domain::job::Spec;
use crate::log::{Log, now};
use crate::service::membership::Placed;
use crate::service::work::dispatch;
use crate::service::work::roster::Roster;
use crate::store::sqlite::{SqliteConfig, SqliteStore};

/// Longest wait for what takes a moment: less than a lease.
const PATIENCE: Duration = Duration::from_secs(10);

fn work(folder: &TempDir) -> Work {
    let (bus, roster) = (Bus::default(), Roster::default());
    let tap = Log::tap(&bus, {
        let roster = roster.clone();
        move |events| events.iter().for_each(|linked| roster.hear(&linked.event))
    });
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    Work { log, roster, drain: CancellationToken::new(), tenant: None }
}

fn spec(id: &str) -> Spec {
    Spec::new(id, "render", ("default", "alice"), now())
}

#[tokio::test]
async fn what_a_worker_has_not_heard_of_is_free_again_at_once() {
    let folder = TempDir::new().expect("a folder");
    let work = work(&folder);
    let worker = Worker { id: "w".into(), kinds: vec!["render".into()], slots: 2, tenant: None };
    let mut place = Place::take(&work, worker);
    work.roster.settle(&work.roster.begin_look());
    for id in ["heard", "unheard"] {
        let job = (Placed::anywhere(spec(id)), None);
        let created = dispatch::create((&work.log, &work.roster), job, None, None).await;
        let (stored, _) = created.expect("created");
        assert!(stored.record.custody.lease.is_some(), "{id} has a worker");
    }
    assert!(place.notice().await.is_some());
    drop(place);
    let holder = async |id| {
        let stored = work.log.store().job(id).await.expect("read").expect("a job");
        stored.record.custody.lease.clone()
    };
    let freed = async {
        while holder("unheard").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.expect("free before its lease is over");
    assert!(holder("heard").await.is_some(), "of this one the worker knows");
    assert!(work.roster.is_empty());
}
