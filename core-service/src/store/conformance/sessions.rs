//! Projects, their members, and sessions.

use std::time::Duration;

use super::presence::{announce, says};
use super::world::{World, key};
use crate::domain::event::Body;
use crate::domain::graph::{Command as GraphCommand, Node, Order, Wish};
use crate::domain::limits::MEMBERS_MAX;
use crate::domain::presence::Presence;
use crate::domain::project::{Member, Project, Role};
use crate::domain::session::{Command, Event, Session};
use crate::domain::topic::{Kind, Topic};
use crate::snapshot::Recent;
use crate::store::commit::{Action, Command as StoreCommand, Committed};
use crate::store::session::{self, Listing, Outcome, Refusal};
use crate::store::{self, Error};

pub(crate) const PROJECT: &str = "p";
pub(crate) const SESSION: &str = "s";

pub(crate) async fn take(world: &World, action: session::Action) -> Result<Outcome, Error> {
    let action = Action::Session(Box::new(action));
    match world.store.commit(StoreCommand { action, idempotency: None, trace: None }).await? {
        Committed::Session { outcome, .. } => Ok(*outcome),
        other
        @ (Committed::Published { .. } | Committed::Job { .. } | Committed::Access { .. }) => {
            panic!("{other:?} is no session")
        }
    }
}

pub(crate) fn project(world: &World, id: &str, tenant: &str) -> Project {
    let (project_id, tenant, name) = (id.to_owned(), tenant.to_owned(), id.to_owned());
    Project { project_id, tenant, name, owner: "alice".into(), created_at: world.now() }
}

pub(crate) fn session(world: &World, id: &str) -> Session {
    Session {
        session_id: id.into(),
        project_id: PROJECT.into(),
        tenant: "acme".into(),
        name: "a session".into(),
        created_at: world.now(),
        closed_at: None,
    }
}

/// A project with these sessions.
pub(crate) async fn with_sessions(world: &World, sessions: &[&str]) {
    let created = session::Action::CreateProject(project(world, PROJECT, "acme"));
    take(world, created).await.expect("a project");
    for id in sessions {
        let opened = session::Action::CreateSession(session(world, id));
        take(world, opened).await.expect("a session");
    }
}

pub(crate) fn topic(session_id: &str) -> Topic {
    Topic::new("acme", Kind::Session, session_id).expect("a topic")
}

/// Commits a command of a session; answers the events it made.
pub(crate) async fn change(
    world: &World,
    session_id: &str,
    command: Command,
) -> Result<Vec<Event>, Error> {
    let action = session::Action::Command { session_id: session_id.to_owned(), command };
    let Outcome::Events(events) = take(world, action).await? else { panic!("no events") };
    Ok(events.iter().map(|event| fact(event)).collect())
}

pub(crate) fn fact(event: &crate::domain::event::Event) -> Event {
    match &event.body {
        Body::Session(fact) => (**fact).clone(),
        Body::Payload(_) | Body::Job(_) | Body::Summary(_) => panic!("{event:?} is no session's"),
    }
}

async fn set(world: &World, user: &str, role: Option<Role>) -> Result<Outcome, Error> {
    let (project_id, user_id) = (PROJECT.to_owned(), user.to_owned());
    take(world, session::Action::SetMember { project_id, user_id, role }).await
}

fn refused(refusal: Refusal) -> Result<Outcome, Error> {
    Err(Error::Refused(store::Refusal::Session(refusal)))
}

pub(crate) async fn members_are_kept_and_a_lesser_right_is_told_in_the_same_commit(world: World) {
    with_sessions(&world, &[]).await;
    set(&world, "bob", Some(Role::Viewer)).await.expect("a member");
    set(&world, "bob", Some(Role::Owner)).await.expect("more");
    assert!(world.whole(&Topic::access()).await.is_empty(), "nobody has lost a right");
    set(&world, "alice", Some(Role::Editor)).await.expect("less");
    let last = crate::domain::project::Refusal::LastOwner;
    assert_eq!(set(&world, "bob", None).await, refused(Refusal::Project(last)));
    set(&world, "alice", None).await.expect("gone");
    let told = world.whole(&Topic::access()).await;
    assert_eq!(told.len(), 2, "{told:?}");
    let world = world.reopened();
    let members = world.store.members(PROJECT).await.expect("read");
    assert_eq!(members, [Member { user_id: "bob".into(), role: Role::Owner }]);
    assert_eq!(world.store.role(PROJECT, "bob").await, Ok(Some(Role::Owner)));
    assert_eq!(world.store.role(PROJECT, "alice").await, Ok(None));
    let missing = session::Action::SetMember {
        project_id: "q".into(),
        user_id: "bob".into(),
        role: Some(Role::Viewer),
    };
    assert_eq!(take(&world, missing).await, refused(Refusal::ProjectNotFound("q".into())));
}

pub(crate) async fn a_project_has_as_many_members_as_its_limit(world: World) {
    with_sessions(&world, &[]).await;
    let joined = (1..MEMBERS_MAX).map(|n| {
        let world = &world;
        async move { set(world, &format!("u{n}"), Some(Role::Viewer)).await.expect("a member") }
    });
    futures::future::join_all(joined).await;
    let full = Refusal::Project(crate::domain::project::Refusal::Full);
    assert_eq!(set(&world, "one more", Some(Role::Viewer)).await, refused(full));
    assert_eq!(world.store.members(PROJECT).await.expect("read").len() as u64, MEMBERS_MAX);
}

pub(crate) async fn projects_and_sessions_are_listed_newest_first_in_pages(world: World) {
    with_sessions(&world, &["s1", "s2", "s3"]).await;
    for (id, tenant) in [("p2", "acme"), ("p3", "other"), ("p4", "acme")] {
        let action = session::Action::CreateProject(project(&world, id, tenant));
        take(&world, action).await.expect("a project");
    }
    let page = |after: Option<&str>, limit| Listing { after: after.map(str::to_owned), limit };
    let ids = |found: Vec<Project>| found.into_iter().map(|one| one.project_id).collect::<Vec<_>>();
    let all = world.store.projects("acme", None, page(None, 10)).await.expect("read");
    assert_eq!(ids(all), ["p4", "p2", "p"]);
    let rest = world.store.projects("acme", None, page(Some("p4"), 1)).await.expect("read");
    assert_eq!(ids(rest), ["p2"]);
    set(&world, "bob", Some(Role::Viewer)).await.expect("a member");
    let bobs = world.store.projects("acme", Some("bob"), page(None, 10)).await.expect("read");
    assert_eq!(ids(bobs), [PROJECT]);
    let elsewhere = world.store.projects("other", Some("bob"), page(None, 10)).await;
    assert_eq!(elsewhere, Ok(Vec::new()));
    let sessions = world.store.sessions(PROJECT, page(None, 2)).await.expect("read");
    assert_eq!(sessions.iter().map(|one| &*one.session_id).collect::<Vec<_>>(), ["s3", "s2"]);
    let taken = session::Action::CreateSession(session(&world, "s1"));
    assert_eq!(take(&world, taken).await, refused(Refusal::Taken("s1".into())));
    let taken = session::Action::CreateProject(project(&world, PROJECT, "other"));
    assert_eq!(take(&world, taken).await, refused(Refusal::Taken(PROJECT.into())));
}

pub(crate) async fn racing_creates_of_a_project_with_one_key_make_one(world: World) {
    let race = (0..16).map(|n| {
        let made = project(&world, &format!("p{n}"), "acme");
        let action = Action::Session(Box::new(session::Action::CreateProject(made)));
        let command = StoreCommand { action, idempotency: key(&world, "k", 1), trace: None };
        world.store.commit(command)
    });
    let outcomes: Result<Vec<_>, _> = futures::future::join_all(race).await.into_iter().collect();
    let is_new =
        |committed: &&Committed| matches!(committed, Committed::Session { is_replay: false, .. });
    assert_eq!(outcomes.expect("all answered").iter().filter(is_new).count(), 1);
    let listing = Listing { after: None, limit: 20 };
    assert_eq!(world.store.projects("acme", None, listing).await.expect("read").len(), 1);
}

pub(crate) async fn a_closed_session_takes_nothing_and_goes_whole_after_its_time(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let node = Node { node_id: "n".into(), ..Node::default() };
    let wish = Wish::Execute { command_id: "c".into(), command: GraphCommand::CreateNode(node) };
    let order = Order { wish, expected_version: None };
    let perform = Command::Perform { graph: "main".into(), by: "alice".into(), order };
    change(&world, SESSION, perform.clone()).await.expect("done");
    announce(&world, &topic(SESSION), &[says("e", "alice", 1)]).await.expect("told");
    let closed = change(&world, SESSION, Command::Close { by: "alice".into() }).await;
    assert_eq!(closed, Ok(vec![Event::Closed { by: "alice".into() }]));
    let refusal = store::Refusal::Session(Refusal::Closed(SESSION.into()));
    assert_eq!(change(&world, SESSION, perform).await, Err(Error::Refused(refusal)));
    let (_, state) = world.store.session_state(SESSION).await.expect("read").expect("there");
    assert_eq!((state.presence, state.graphs.len()), (Presence::default(), 1));
    world.advance(Duration::from_secs(30 * 24 * 3600 - 1));
    world.clean().await;
    assert_eq!(world.whole(&topic(SESSION)).await.len(), 5);
    world.advance(Duration::from_secs(2));
    world.clean().await;
    assert!(world.store.session(SESSION).await.expect("read").is_none());
    assert!(world.whole(&topic(SESSION)).await.is_empty());
}

pub(crate) async fn an_erased_session_is_not_found_at_once_and_goes_with_the_next_cleaning(
    world: World,
) {
    with_sessions(&world, &[SESSION, "other"]).await;
    let node = Node { node_id: "n".into(), ..Node::default() };
    let wish = Wish::Execute { command_id: "c".into(), command: GraphCommand::CreateNode(node) };
    let order = Order { wish, expected_version: None };
    let perform = Command::Perform { graph: "main".into(), by: "alice".into(), order };
    for id in [SESSION, "other"] {
        change(&world, id, perform.clone()).await.expect("done");
    }
    announce(&world, &topic(SESSION), &[says("e", "alice", 1)]).await.expect("told");
    let erase =
        |id: &str| session::Action::EraseSession { session_id: id.into(), by: "bob".into() };
    let Ok(Outcome::Events(events)) = take(&world, erase(SESSION)).await else { panic!("erased") };
    let closed = Event::Closed { by: "bob".into() };
    assert_eq!(events.iter().map(|event| fact(event)).collect::<Vec<_>>(), [closed]);
    let world = world.reopened();
    assert!(world.store.session(SESSION).await.expect("read").is_none());
    assert_eq!(world.store.announcements("e").await, Ok(Vec::new()));
    let missing = Refusal::SessionNotFound(SESSION.into());
    assert_eq!(take(&world, erase(SESSION)).await, refused(missing));
    let again = session::Action::CreateSession(session(&world, SESSION));
    assert_eq!(take(&world, again.clone()).await, refused(Refusal::Taken(SESSION.into())));
    world.clean().await;
    assert!(world.whole(&topic(SESSION)).await.is_empty());
    assert_eq!(world.whole(&topic("other")).await.len(), 3, "the other one stays");
    take(&world, again).await.expect("nothing is left of the first");
    let (_, state) = world.store.session_state(SESSION).await.expect("read").expect("there");
    assert_eq!((state.graphs.len(), state.presence), (0, Presence::default()));
    change(&world, "other", Command::Close { by: "alice".into() }).await.expect("closed");
    let recent = Recent::default();
    let known = recent.session(&*world.store, "other").await.expect("read").expect("there");
    assert_eq!(known.state.graphs.len(), 1);
    assert_eq!(take(&world, erase("other")).await, Ok(Outcome::Events(Vec::new())), "no end twice");
    world.clean().await;
    world.advance(Duration::from_secs(1));
    let again = session::Action::CreateSession(session(&world, "other"));
    take(&world, again).await.expect("another");
    let known = recent.session(&*world.store, "other").await.expect("read").expect("there");
    assert_eq!(known.state.graphs.len(), 0, "nothing of the first is remembered");
}

pub(crate) async fn a_deleted_project_takes_its_members_and_its_log_with_it(world: World) {
    with_sessions(&world, &[SESSION]).await;
    set(&world, "bob", Some(Role::Viewer)).await.expect("a member");
    let log = Topic::new("acme", Kind::Project, PROJECT).expect("a topic");
    world.publish(&log, &["a job", "another"]).await;
    let delete = || session::Action::DeleteProject { project_id: PROJECT.into() };
    assert_eq!(take(&world, delete()).await, refused(Refusal::NotEmpty(PROJECT.into())));
    let erase = session::Action::EraseSession { session_id: SESSION.into(), by: "alice".into() };
    take(&world, erase).await.expect("erased");
    assert_eq!(take(&world, delete()).await, Ok(Outcome::Done));
    assert_eq!(world.whole(&Topic::access()).await.len(), 2, "each member has lost a right");
    assert_eq!(take(&world, delete()).await, refused(Refusal::ProjectNotFound(PROJECT.into())));
    let late = session::Action::CreateSession(session(&world, "late"));
    assert_eq!(take(&world, late).await, refused(Refusal::ProjectNotFound(PROJECT.into())));
    let world = world.reopened();
    assert_eq!(world.store.project(PROJECT).await, Ok(None));
    assert_eq!(world.store.members(PROJECT).await, Ok(Vec::new()));
    assert_eq!(world.store.role(PROJECT, "bob").await, Ok(None));
    let again = session::Action::CreateProject(project(&world, PROJECT, "acme"));
    let taken = refused(Refusal::Taken(PROJECT.into()));
    assert_eq!(take(&world, again.clone()).await, taken, "its log would go with that of the first");
    world.clean().await;
    assert!(world.whole(&log).await.is_empty());
    take(&world, again).await.expect("nothing is left of the first");
    world.publish(&log, &["a job"]).await;
    world.clean().await;
    assert_eq!(world.whole(&log).await.len(), 1);
}

pub(crate) async fn a_project_stays_when_nobody_can_be_told_that_it_goes(world: World) {
    with_sessions(&world, &[]).await;
    for role in [Some(Role::Viewer), None] {
        set(&world, "bob", role).await.expect("set");
    }
    let world = world.altered(
        "UPDATE topic_head SET stamp = 1099511627776
         WHERE topic = (SELECT id FROM topic WHERE kind = 6)",
    );
    let delete = session::Action::DeleteProject { project_id: PROJECT.into() };
    let outcome = take(&world, delete).await;
    assert!(matches!(outcome, Err(Error::Damaged(_))), "{outcome:?}");
    assert!(world.store.project(PROJECT).await.expect("read").is_some());
    assert_eq!(world.store.members(PROJECT).await.expect("read").len(), 1);
}
