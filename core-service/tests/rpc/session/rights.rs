//! Who may do what, and what everybody else is told.

use futures::future::{join, join_all};
use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use tonic::Status;

use super::{User, create_node, snapshot, someone};
use crate::core::{Core, refused, report, request, serve, service};

/// What a user gets for looking, editing and ruling.
async fn tries(user: &User<'_>, project_id: &str, session_id: &str) -> [Result<(), Code>; 3] {
    let code = |outcome: Result<(), Status>| outcome.map_err(|status| Code::of(&status));
    let look = v1::GetSessionRequest { session_id: session_id.into() };
    let look = user.sessions().get_session(user.ask(look)).await.map(|_| ());
    let edit = user.execute(session_id, create_node("", "")).await.map(|_| ());
    let rule = user.set_role(project_id, "carol", v1::Role::Viewer).await;
    [code(look), code(edit), code(rule)]
}

#[tokio::test]
async fn a_role_allows_what_it_says_and_strangers_find_nothing() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let project_id = alice.project().await;
    let session_id = alice.session(&project_id).await;
    let (denied, no_session, no_project) =
        (Err(Code::PermissionDenied), Err(Code::SessionNotFound), Err(Code::ProjectNotFound));
    let bob = someone(&core, "bob", "acme");
    let nothing = [no_session, no_session, no_project];
    assert_eq!(tries(&bob, &project_id, &session_id).await, nothing, "a stranger");
    for (role, expected) in [
        (v1::Role::Viewer, [Ok(()), denied, denied]),
        (v1::Role::Editor, [Ok(()), Ok(()), denied]),
        (v1::Role::Owner, [Ok(()), Ok(()), Ok(())]),
    ] {
        alice.set_role(&project_id, "bob", role).await.expect("set");
        assert_eq!(tries(&bob, &project_id, &session_id).await, expected, "{role:?}");
    }
    let namesake = someone(&core, "alice", "other");
    assert_eq!(tries(&namesake, &project_id, &session_id).await, nothing, "another tenant");
    let wanted = v1::RemoveMemberRequest { project_id: project_id.clone(), user_id: "bob".into() };
    bob.sessions().remove_member(bob.ask(wanted)).await.expect("everybody may leave");
    assert_eq!(tries(&bob, &project_id, &session_id).await, nothing);
    let wanted = v1::RemoveMemberRequest { project_id, user_id: "alice".into() };
    let alone = alice.sessions().remove_member(alice.ask(wanted)).await;
    assert_eq!(refused(alone), Code::LastOwner);
}

#[tokio::test]
async fn a_stranger_hears_nothing_of_a_session() {
    let core = serve(|_, _| {}).await;
    let (alice, eve) = (someone(&core, "alice", "acme"), someone(&core, "eve", "acme"));
    let session_id = alice.session(&alice.project().await).await;
    assert_eq!(refused(eve.watch(&session_id).await), Code::SessionNotFound);
    let topic = format!("session:{session_id}");
    let join = v1::JoinRequest { topic: topic.clone(), ..Default::default() };
    let joined = core.broadcast().join(eve.ask(join.clone())).await;
    assert_eq!(refused(joined), Code::SessionNotFound);
    let watch = v1::WatchTopicRequest { topic: topic.clone(), ..Default::default() };
    let watched = core.broadcast().watch_topic(eve.ask(watch)).await;
    assert_eq!(refused(watched), Code::SessionNotFound);
    let list = v1::ListEventsRequest { topic, ..Default::default() };
    let listed = core.broadcast().list_events(eve.ask(list)).await;
    assert_eq!(refused(listed), Code::SessionNotFound);
    let eves = eve.session(&eve.project().await).await;
    let mut frames = eve.watch(&eves).await.expect("her own");
    snapshot(&mut frames).await;
    alice.execute(&session_id, create_node("secret", "")).await.expect("done");
    eve.execute(&eves, create_node("mine", "")).await.expect("done");
    let first = super::next_event(&mut frames).await;
    assert_eq!(first.topic, format!("session:{eves}"));
    let joined = core.broadcast().join(alice.ask(join)).await.expect("hers").into_inner();
    let Some(v1::join_response::Snapshot::Session(found)) = joined.snapshot else {
        panic!("{joined:?}")
    };
    assert_eq!(found.graphs[0].nodes[0].node_id, "secret");
    assert_eq!(found.session.expect("said").cursor, joined.cursor);
}

#[tokio::test]
async fn an_owner_who_has_stepped_down_may_say_so_again_and_no_more() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    alice.set_role(&project_id, "bob", v1::Role::Owner).await.expect("an owner too");
    for _ in 0..2 {
        bob.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("stepped down");
    }
    for (who, role) in [("bob", v1::Role::Editor), ("alice", v1::Role::Owner)] {
        let set = bob.set_role(&project_id, who, role).await;
        assert_eq!(refused(set), Code::PermissionDenied, "{who}");
    }
    let eve = someone(&core, "eve", "acme");
    let set = eve.set_role(&project_id, "eve", v1::Role::Viewer).await;
    assert_eq!(refused(set), Code::ProjectNotFound);
}

#[tokio::test]
async fn who_is_removed_does_not_come_back_by_asking_for_the_role_that_was() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    for _ in 0..8 {
        alice.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("set");
        let asked = join_all((0..16).map(|_| bob.set_role(&project_id, "bob", v1::Role::Viewer)));
        let gone =
            v1::RemoveMemberRequest { project_id: project_id.clone(), user_id: "bob".into() };
        let mut sessions = alice.sessions();
        let (_, removed) = join(asked, sessions.remove_member(alice.ask(gone))).await;
        removed.expect("removed");
        let again = bob.set_role(&project_id, "bob", v1::Role::Viewer).await;
        assert_eq!(refused(again), Code::ProjectNotFound);
    }
}

async fn create_job(core: &Core, user: &User<'_>, project_id: &str) -> Result<String, Status> {
    let wanted = v1::CreateJobRequest { project_id: project_id.into(), ..report("x") };
    let made = core.jobs().create_job(user.ask(wanted)).await?;
    Ok(made.into_inner().job.expect("a job").job_id)
}

#[tokio::test]
async fn a_projects_jobs_are_its_members_to_see_and_its_editors_to_steer() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    let job_id = create_job(&core, &alice, &project_id).await.expect("made");
    let get = || v1::GetJobRequest { job_id: job_id.clone() };
    let cancel = || v1::CancelJobRequest { job_id: job_id.clone(), ..Default::default() };
    assert_eq!(refused(create_job(&core, &bob, &project_id).await), Code::ProjectNotFound);
    assert_eq!(refused(core.jobs().get_job(bob.ask(get())).await), Code::JobNotFound);
    let topic = format!("project:{project_id}");
    let join = v1::JoinRequest { topic, ..Default::default() };
    let joined = core.broadcast().join(bob.ask(join.clone())).await;
    assert_eq!(refused(joined), Code::TopicNotFound);
    alice.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("set");
    core.jobs().get_job(bob.ask(get())).await.expect("a member sees it");
    let list = v1::ListJobsRequest { project_id: project_id.clone(), ..Default::default() };
    let listed = core.jobs().list_jobs(bob.ask(list)).await.expect("a list").into_inner();
    assert_eq!(listed.jobs.len(), 1);
    core.broadcast().join(bob.ask(join.clone())).await.expect("a member hears of it");
    assert_eq!(refused(core.jobs().cancel_job(bob.ask(cancel())).await), Code::PermissionDenied);
    alice.set_role(&project_id, "bob", v1::Role::Editor).await.expect("set");
    core.jobs().cancel_job(bob.ask(cancel())).await.expect("an editor steers it");
    let gone = v1::RemoveMemberRequest { project_id, user_id: "bob".into() };
    alice.sessions().remove_member(alice.ask(gone)).await.expect("removed");
    assert_eq!(refused(core.jobs().get_job(bob.ask(get())).await), Code::JobNotFound);
    assert_eq!(refused(core.broadcast().join(bob.ask(join)).await), Code::TopicNotFound);
}

#[tokio::test]
async fn who_may_create_no_job_in_a_project_runs_none_again_there() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    alice.set_role(&project_id, "bob", v1::Role::Editor).await.expect("set");
    let job_id = create_job(&core, &bob, &project_id).await.expect("created");
    let cancel = v1::CancelJobRequest { job_id: job_id.clone(), ..Default::default() };
    core.jobs().cancel_job(bob.ask(cancel)).await.expect("ended");
    let again = v1::RetryJobRequest { job_id, ..Default::default() };
    core.jobs().retry_job(bob.ask(again.clone())).await.expect("an editor's");
    let gone = v1::RemoveMemberRequest { project_id, user_id: "bob".into() };
    alice.sessions().remove_member(alice.ask(gone)).await.expect("removed");
    assert_eq!(refused(core.jobs().retry_job(bob.ask(again.clone())).await), Code::ProjectNotFound);
    core.jobs().retry_job(alice.ask(again)).await.expect("the project's owner may");
}

#[tokio::test]
async fn a_list_shows_what_its_caller_is_a_member_of() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let (first, second) = (alice.project().await, alice.project().await);
    alice.set_role(&first, "bob", v1::Role::Viewer).await.expect("set");
    let ids = |found: v1::ListProjectsResponse| -> Vec<String> {
        found.projects.into_iter().map(|one| one.project_id).collect()
    };
    let mut wanted = v1::ListProjectsRequest { page_size: 1, ..Default::default() };
    let page = alice.sessions().list_projects(alice.ask(wanted.clone())).await.expect("a page");
    let page = page.into_inner();
    wanted.page_token.clone_from(&page.next_page_token);
    assert_eq!(ids(page), std::slice::from_ref(&second));
    let token = wanted.page_token.clone();
    let page = alice.sessions().list_projects(alice.ask(wanted.clone())).await.expect("a page");
    assert_eq!(ids(page.into_inner()), std::slice::from_ref(&first));
    let foreign = v1::ListProjectsRequest { page_token: token, ..Default::default() };
    let foreign = bob.sessions().list_projects(bob.ask(foreign)).await;
    assert_eq!(refused(foreign), Code::InvalidArgument);
    wanted.page_token.clear();
    let bobs = bob.sessions().list_projects(bob.ask(wanted.clone())).await.expect("a page");
    assert_eq!(ids(bobs.into_inner()), [first]);
    wanted.tenant = "acme".into();
    wanted.page_size = 10;
    let asked = request(wanted, Some(&service(&[Scope::Service])), None);
    let all = core.sessions().list_projects(asked).await.expect("a page").into_inner();
    assert_eq!(all.projects.len(), 2, "a service sees the whole tenant");
}

#[tokio::test]
async fn only_in_development_an_unknown_session_is_made_on_the_way() {
    let strict = serve(|_, _| {}).await;
    let alice = someone(&strict, "alice", "acme");
    let unknown = alice.execute("test", create_node("a", "")).await;
    assert_eq!(refused(unknown), Code::SessionNotFound);
    let open = serve(|config, _| config.dev = true).await;
    let alice = someone(&open, "alice", "acme");
    let join = v1::JoinRequest { topic: "session:test".into(), ..Default::default() };
    let mut broadcast = open.broadcast();
    let joined = broadcast.join(alice.ask(join));
    let executed = alice.execute("test", create_node("a", ""));
    let (joined, executed) = tokio::join!(joined, executed);
    joined.expect("made on the way");
    executed.expect("the same session");
    let eve = someone(&open, "eve", "acme");
    assert_eq!(refused(eve.watch("test").await), Code::SessionNotFound, "it is alice's");
}

#[tokio::test]
async fn who_loses_the_right_hears_that_and_nothing_more() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    let session_id = alice.session(&project_id).await;
    alice.set_role(&project_id, "bob", v1::Role::Editor).await.expect("set");
    let mut frames = bob.watch(&session_id).await.expect("a stream");
    snapshot(&mut frames).await;
    alice.set_role(&project_id, "bob", v1::Role::Viewer).await.expect("set");
    alice.execute(&session_id, create_node("a", "")).await.expect("done");
    for _ in 0..3 {
        super::next_event(&mut frames).await;
    }
    let gone = v1::RemoveMemberRequest { project_id, user_id: "bob".into() };
    alice.sessions().remove_member(alice.ask(gone)).await.expect("removed");
    let v1::watch_session_response::Frame::Closed(closed) = super::next(&mut frames).await else {
        panic!("an end")
    };
    assert_eq!(closed.reason(), v1::CloseReason::Revoked);
}

#[tokio::test]
async fn in_development_a_worker_makes_no_session_of_what_it_names() {
    let core = serve(|config, _| config.dev = true).await;
    let worker = service(&[Scope::Worker]);
    let watch = v1::WatchSessionRequest { session_id: "s".into(), ..Default::default() };
    let watched = core.sessions().watch_session(request(watch, Some(&worker), None)).await;
    assert_eq!(refused(watched.map(drop)), Code::SessionNotFound);
    let join = v1::JoinRequest { topic: "session:s".into(), ..Default::default() };
    let joined = core.broadcast().join(request(join, Some(&worker), None)).await;
    assert_eq!(refused(joined), Code::SessionNotFound);
    let alice = someone(&core, "alice", "acme");
    alice.watch("s").await.expect("the first user makes it");
}
