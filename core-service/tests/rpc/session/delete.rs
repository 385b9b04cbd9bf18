//! A project that is deleted, as those who work in it meet it.

use std::sync::{Arc, Mutex};

use roomcast_core::observer::{Observer, Observers};
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::watch_session_response::Frame;

use super::{PATIENCE, User, admin, create_node, next, next_event, snapshot, someone};
use crate::core::{refused, serve, serve_observed};

async fn delete(user: &User<'_>, project_id: &str) -> Result<(), Code> {
    let wanted = v1::DeleteProjectRequest { project_id: project_id.into() };
    let deleted = user.sessions().delete_project(user.ask(wanted)).await;
    deleted.map(|_| ()).map_err(|status| Code::of(&status))
}

#[tokio::test]
async fn a_deleted_project_ends_its_sessions_and_nothing_of_it_is_found() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    let (open, closed) = (alice.session(&project_id).await, alice.session(&project_id).await);
    let close = v1::CloseSessionRequest { session_id: closed.clone() };
    alice.sessions().close_session(alice.ask(close)).await.expect("closed");
    alice.set_role(&project_id, "bob", v1::Role::Editor).await.expect("set");
    bob.execute(&open, create_node("n", "")).await.expect("done");
    let mut frames = bob.watch(&open).await.expect("a stream");
    snapshot(&mut frames).await;

    let stranger = someone(&core, "eve", "acme");
    assert_eq!(delete(&stranger, &project_id).await, Err(Code::ProjectNotFound));
    assert_eq!(delete(&bob, &project_id).await, Err(Code::PermissionDenied));
    assert_eq!(delete(&alice, &project_id).await, Ok(()));

    assert_eq!(next_event(&mut frames).await.r#type, "session.closed");
    let Frame::Closed(end) = next(&mut frames).await else { panic!("no end") };
    assert_eq!(end.reason(), v1::CloseReason::Ended);
    assert_eq!(delete(&alice, &project_id).await, Err(Code::ProjectNotFound));
    for session_id in [&open, &closed] {
        assert_eq!(refused(alice.watch(session_id).await), Code::SessionNotFound);
    }
    let join = v1::JoinRequest { topic: format!("project:{project_id}"), ..Default::default() };
    let joined = core.broadcast().join(alice.ask(join)).await;
    assert_eq!(refused(joined), Code::TopicNotFound);
    let list = v1::ListProjectsRequest::default();
    let listed = bob.sessions().list_projects(bob.ask(list)).await.expect("a list").into_inner();
    assert_eq!(listed.projects, []);
}

#[tokio::test]
async fn that_an_administrator_deletes_a_project_is_told_before_its_first_session_goes() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let observer = Observer::new("order", move |event| {
        hears.lock().expect("no panic").push(event.kind.to_string());
    });
    let core = serve_observed(|_, _| {}, Observers::default().with(observer)).await;
    let (alice, root) = (someone(&core, "alice", "acme"), admin(&core, "root", "acme"));
    let project_id = alice.project().await;
    alice.session(&project_id).await;
    alice.session(&project_id).await;
    delete(&root, &project_id).await.expect("deleted");
    let told = ["audit.project.delete", "session.closed", "session.closed", "access.changed"];
    let come = async {
        while heard.lock().expect("no panic").len() < told.len() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, come).await.expect("all is heard");
    assert_eq!(*heard.lock().expect("no panic"), told);
}
