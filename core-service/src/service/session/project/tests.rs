//! Over a real store.

use std::path::PathBuf;

use roomcast_identity::{DEFAULT_TENANT, ServiceKeys, UserKeys};
use tempfile::TempDir;

use super::*;
use crate::alarm::Alarm;
use crate::auth::{Access, Keys, Rules};
use crate::bus::Bus;
use crate::config::Config;
use crate::domain::access::Admission;
use crate::domain::event::{Body, Event};
use crate::store::PageLimit;
use crate::store::sqlite::{SqliteConfig, SqliteStore};

fn sessions(folder: &TempDir) -> Sessions {
    let config = Config::development(PathBuf::new());
    let users = UserKeys::new(config.user_keys()).expect("no keys");
    let services = ServiceKeys::new(Vec::new()).expect("no keys");
    let rules = Rules { is_dev: true, rooms: config.rooms.clone(), requests: None };
    let door = Door::new(Keys { users, services }, Access::new(Admission::Any), now, rules);
    let bus = Bus::default();
    let tap = Log::tap(&bus, |_| {});
    let store = SqliteStore::open(SqliteConfig::new(folder.path()), Arc::new(now), tap);
    let log = Log::new(Arc::new(store.expect("opens")), bus, Alarm::default());
    Sessions::new(log, Arc::new(door), Attendance::default(), CancellationToken::new())
}

async fn new_project(sessions: &Sessions) -> String {
    let made = v1::CreateProjectRequest { name: "p".into(), ..Default::default() };
    let made = SessionService::create_project(sessions, Request::new(made)).await.expect("made");
    made.into_inner().project.expect("a project").project_id
}

fn outcome(event: &Event) -> String {
    let Body::Payload(payload) = &event.body else { panic!("{event:?} is no act") };
    let told: serde_json::Value = serde_json::from_slice(&payload.data).expect("JSON");
    told["outcome"].as_str().expect("an outcome").to_owned()
}

#[tokio::test]
async fn who_deletes_what_another_has_deleted_meanwhile_is_told_as_refused() {
    let folder = TempDir::new().expect("a folder");
    let sessions = sessions(&folder);
    // By the developer of the machine: an administrator, and no member.
    let project_id = new_project(&sessions).await;
    let deletion = || {
        let request = v1::DeleteProjectRequest { project_id: project_id.clone() };
        sessions.door.admit(&sessions.log, Request::new(request))
    };
    let (one, other) = (deletion().await.expect("let in"), deletion().await.expect("let in"));
    let both = tokio::join!(sessions.delete_project(one), sessions.delete_project(other));
    assert_ne!(both.0.is_ok(), both.1.is_ok(), "{both:?}");
    let acts = Topic::audit(DEFAULT_TENANT);
    let acts = sessions.log.store().read(&acts, 0, PageLimit::REPLAY).await.expect("read").events;
    let told: Vec<_> = acts.iter().map(|event| outcome(event)).collect();
    assert_eq!(told, ["done", "done", "refused"]);
}

#[tokio::test]
async fn a_session_that_is_closed_by_many_at_once_is_closed_for_each_of_them() {
    let folder = TempDir::new().expect("a folder");
    let sessions = sessions(&folder);
    let project_id = new_project(&sessions).await;
    let made = v1::CreateSessionRequest { project_id, ..Default::default() };
    let made = SessionService::create_session(&sessions, Request::new(made)).await.expect("made");
    let session_id = made.into_inner().session.expect("a session").session_id;
    let mut calls = Vec::new();
    for _ in 0..8 {
        let request = v1::CloseSessionRequest { session_id: session_id.clone() };
        let call = sessions.door.admit(&sessions.log, Request::new(request)).await;
        calls.push(call.expect("let in"));
    }
    let closing = calls.into_iter().map(|call| sessions.close_session(call));
    let answers = futures::future::join_all(closing).await;
    let first = answers[0].as_ref().expect("closed");
    assert!(first.session.as_ref().is_some_and(|session| session.close_time.is_some()));
    assert!(answers.iter().all(|one| one.as_ref().is_ok_and(|one| one == first)), "{answers:?}");
}
