//! Who is in sessions and rooms.

use std::collections::BTreeSet;

use super::World;
use super::sessions::{SESSION, fact, take, topic, with_sessions};
use super::world::{event, publish, room};
use crate::domain::event::Body;
use crate::domain::limits::{PARTICIPANTS_NAMED_MAX, PRESENCE_GRACE};
use crate::domain::presence::{Announcement, Event as Told, IN_ROOM, Presence};
use crate::domain::session::Event;
use crate::domain::topic::{Kind, Topic};
use crate::store::edge::Attend;
use crate::store::session::{Action, Outcome, Refusal};
use crate::store::{self, Error};

pub(crate) fn says(edge: &str, user: &str, connections: u32) -> Announcement {
    Announcement { edge_id: edge.into(), user_id: user.into(), connections }
}

fn crowd(users: std::ops::Range<u64>, connections: u32) -> Vec<Announcement> {
    users.map(|n| says("e", &format!("u{n:04}"), connections)).collect()
}

/// Commits announcements; answers the events they made.
pub(crate) async fn announce(
    world: &World,
    topic: &Topic,
    announced: &[Announcement],
) -> Result<Vec<Event>, Error> {
    let core_id = "core".to_owned();
    for edge_id in announced.iter().map(|one| one.edge_id.clone()).collect::<BTreeSet<_>>() {
        let attend = Attend { edge_id, core_id: core_id.clone(), number: 1, parts: Vec::new() };
        take(world, Action::Attend(attend)).await?;
    }
    let announced = announced.to_vec();
    let action = Action::Announce { topic: topic.clone(), announced, core_id };
    let Outcome::Announced { events, unspoken } = take(world, action).await? else {
        panic!("nothing was told")
    };
    assert_eq!(unspoken, Vec::<String>::new());
    Ok(events.iter().map(|event| fact(event)).collect())
}

/// Who is there by the log, and by what is stored: the same.
async fn presence(world: &World, topic: &Topic) -> Presence {
    let mut folded = Presence::default();
    for event in world.whole(topic).await {
        if let Body::Session(_) = &event.body
            && let Event::Presence(event) = fact(&event)
        {
            folded.apply(&event);
        }
    }
    let (_, stored) = world.store.presence(topic).await.expect("read").expect("there");
    assert_eq!(stored, folded, "presence is the fold of its events");
    stored
}

async fn names(world: &World, topic: &Topic) -> Vec<String> {
    let Presence::Named(users) = presence(world, topic).await else { panic!("they are few") };
    users.into_keys().collect()
}

pub(crate) async fn presence_is_the_fold_of_the_log_over_edges_and_restarts(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let session = topic(SESSION);
    let came = [says("e1", "alice", 2), says("e2", "alice", 1), says("e1", "bob", 1)];
    let told = announce(&world, &session, &came).await.expect("told");
    assert_eq!(told.len(), 2, "one for each user");
    world.advance(PRESENCE_GRACE);
    let again = announce(&world, &session, &[says("e1", "alice", 2)]).await;
    assert_eq!(again, Ok(vec![]), "nothing is new");
    let moved = [says("e1", "alice", 1), says("e2", "alice", 2)];
    assert_eq!(announce(&world, &session, &moved).await, Ok(vec![]), "as many as before");
    let world = world.reopened();
    let mut known = world.store.announcements("e1").await.expect("read");
    known.sort_by_key(|(_, one)| one.user_id.clone());
    let expected = [says("e1", "alice", 1), says("e1", "bob", 1)];
    assert_eq!(known, expected.map(|one| (session.clone(), one)));
    let known = world.store.announcements("e2").await;
    assert_eq!(known, Ok(vec![(session.clone(), says("e2", "alice", 2))]));
    let Presence::Named(users) = presence(&world, &session).await else { panic!("two are named") };
    assert_eq!(users["alice"].connections, 3);
    let gone = [says("e1", "alice", 0), says("e1", "bob", 0)];
    assert_eq!(announce(&world, &session, &gone).await.expect("told").len(), 2);
    assert_eq!(names(&world, &session).await, ["alice"]);
}

/// More than are read at a time, in two rooms.
pub(crate) async fn all_who_came_through_an_edge_are_found_however_many(world: World) {
    for name in ["one", "two"] {
        announce(&world, &room(name), &[says("e1", "alice", 2)]).await.expect("told");
    }
    let world = world.altered(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 15000)
         INSERT INTO participant SELECT id, 'user-' || n, 'e1', 1, 1 FROM topic, n WHERE kind = 4",
    );
    let found = world.store.announcements("e1").await.expect("read");
    assert_eq!(found.len(), 2 * 15_001);
    let each: BTreeSet<_> =
        found.iter().map(|(topic, one)| (topic.name(), &*one.user_id)).collect();
    assert_eq!(each.len(), found.len(), "each once");
}

pub(crate) async fn a_sum_of_connections_that_is_full_stays_so(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let session = topic(SESSION);
    let came = [says("e1", "alice", u32::MAX), says("e2", "alice", 1)];
    announce(&world, &session, &came).await.expect("told");
    let Presence::Named(users) = presence(&world, &session).await else { panic!("she is one") };
    assert_eq!(users["alice"].connections, u32::MAX);
}

pub(crate) async fn a_crowd_is_counted_and_named_again(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let session = topic(SESSION);
    announce(&world, &session, &crowd(0..150, 1)).await.expect("told");
    let events = announce(&world, &session, &crowd(150..300, 1)).await.expect("told");
    assert_eq!(events.len(), 1, "their number");
    assert_eq!(presence(&world, &session).await, Presence::Counted(300));
    let world = world.reopened();
    announce(&world, &session, &crowd(120..300, 0)).await.expect("told");
    assert_eq!(names(&world, &session).await.len(), 120);
}

pub(crate) async fn only_an_open_session_of_its_tenant_has_participants(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let elsewhere = Topic::new("other", Kind::Session, SESSION).expect("a topic");
    let missing = Refusal::SessionNotFound(SESSION.into());
    let refused = announce(&world, &elsewhere, &[says("e", "eve", 1)]).await;
    assert_eq!(refused, Err(Error::Refused(store::Refusal::Session(missing))));
    assert_eq!(world.store.presence(&elsewhere).await, Ok(None));
    assert!(names(&world, &topic(SESSION)).await.is_empty());
}

pub(crate) async fn the_last_event_of_a_room_tells_who_is_there(world: World) {
    let room = room("metrics");
    assert!(names(&world, &room).await.is_empty());
    let told = announce(&world, &room, &[says("e1", "alice", 1), says("e2", "bob", 1)]).await;
    assert_eq!(told.expect("told").len(), 1, "one tells of both");
    let same = announce(&world, &room, &[says("e1", "alice", 1)]).await;
    assert_eq!(same, Ok(vec![]), "nothing is new");
    let published = vec![event("measured", "1")];
    world.store.commit(publish(&room, published, None)).await.expect("published");
    announce(&world, &room, &[says("e1", "alice", 2), says("e2", "bob", 0)]).await.expect("told");
    let world = world.reopened();
    let known = world.store.announcements("e1").await.expect("read");
    assert_eq!(known, [(room.clone(), says("e1", "alice", 2))]);
    let (head, values) = world.store.last_values(&room, 8).await.expect("read");
    let last = values.iter().find(|event| &*event.kind == IN_ROOM).expect("it is told");
    let Event::Presence(Told::Counted { participants: 1, listed: Some(users) }) = fact(last) else {
        panic!("{last:?}")
    };
    let stored = world.store.presence(&room).await.expect("read").expect("there");
    let folded = users.into_iter().map(|user| (user.user_id.clone(), user)).collect();
    assert_eq!(stored, (head, Presence::Named(folded)));
}

pub(crate) async fn a_full_room_is_counted_and_listed_as_soon_as_it_is_not(world: World) {
    let room = room("lobby");
    announce(&world, &room, &crowd(0..PARTICIPANTS_NAMED_MAX, 1)).await.expect("told");
    assert_eq!(names(&world, &room).await.len() as u64, PARTICIPANTS_NAMED_MAX);
    let more = crowd(PARTICIPANTS_NAMED_MAX..PARTICIPANTS_NAMED_MAX + 1, 1);
    let told = announce(&world, &room, &more).await.expect("told");
    let participants = PARTICIPANTS_NAMED_MAX + 1;
    assert_eq!(told, [Event::Presence(Told::Counted { participants, listed: None })]);
    assert_eq!(presence(&world, &room).await, Presence::Counted(participants));
    let second = announce(&world, &room, &[says("e", "u0000", 2)]).await;
    assert_eq!(second, Ok(vec![]), "a second connection changes no number");
    announce(&world, &room, &[says("e", "u0001", 0)]).await.expect("told");
    assert_eq!(names(&world, &room).await.len() as u64, PARTICIPANTS_NAMED_MAX);
}
