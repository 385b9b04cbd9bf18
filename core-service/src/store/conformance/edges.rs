//! Which core speaks for an edge, and who is connected to it.

use bytes::Bytes;

use super::World;
use super::presence::says;
use super::sessions::take;
use super::world::room;
use crate::domain::limits::PRESENCE_LEASE;
use crate::domain::presence::Announcement;
use crate::store::edge::{Attend, PartOfEdge, Place};
use crate::store::session::{Action, Outcome, Refusal};
use crate::store::{Error, Refusal as StoreRefusal};

type Done = Result<Outcome, Error>;

/// An edge says so to a core, in its word of this number.
async fn attend(world: &World, edge: &str, core: &str, number: u64) -> Done {
    attend_with(world, edge, (core, number), &[]).await
}

async fn attend_with(
    world: &World,
    edge: &str,
    (core, number): (&str, u64),
    parts: &[(u32, &'static str)],
) -> Done {
    let parts = parts.iter().map(|(part, doc)| (*part, Bytes::from_static(doc.as_bytes())));
    let (edge_id, core_id) = (edge.to_owned(), core.to_owned());
    take(world, Action::Attend(Attend { edge_id, core_id, number, parts: parts.collect() })).await
}

async fn reap(world: &World, edge: &str, core: &str) -> Done {
    let (edge_id, core_id) = (edge.to_owned(), core.to_owned());
    take(world, Action::Reap { edge_id, core_id }).await
}

/// What a core tells of a room; how many events that made.
async fn tell(world: &World, core: &str, announced: &[Announcement]) -> usize {
    let (topic, core_id) = (room("lobby"), core.to_owned());
    match take(world, Action::Announce { topic, announced: announced.to_vec(), core_id }).await {
        Ok(Outcome::Events(events)) => events.len(),
        other => panic!("{other:?} are no events"),
    }
}

fn overtaken(edge: &str) -> Done {
    Err(Error::Refused(StoreRefusal::Session(Refusal::Overtaken(edge.to_owned()))))
}

async fn known(world: &World, edge: &str) -> Vec<(String, u32)> {
    let known = world.store.announcements(edge).await.expect("read").into_iter();
    let mut known: Vec<_> = known.map(|(_, one)| (one.user_id, one.connections)).collect();
    known.sort();
    known
}

async fn silent(world: &World) -> Vec<String> {
    world.store.silent_edges(world.now(), 10).await.expect("read")
}

pub(crate) async fn only_the_core_that_an_edge_talks_to_speaks_for_it(world: World) {
    assert_eq!(tell(&world, "a", &[says("e", "eve", 1)]).await, 0, "nobody speaks for it");
    assert_eq!(attend(&world, "e", "a", 1).await, Ok(Outcome::Done));
    assert_eq!(tell(&world, "a", &[says("e", "alice", 1)]).await, 1);
    assert_eq!(attend(&world, "e", "b", 2).await, Ok(Outcome::Done));
    assert_eq!(tell(&world, "a", &[says("e", "alice", 0)]).await, 0, "the core that was left");
    assert_eq!(known(&world, "e").await, [("alice".to_owned(), 1)]);
    assert_eq!(attend(&world, "e", "a", 1).await, overtaken("e"), "a word that came late");
    assert_eq!(attend(&world, "e", "a", 2).await, overtaken("e"), "the same word elsewhere");
    assert_eq!(attend(&world, "e", "b", 2).await, Ok(Outcome::Done), "the same word again");
    assert_eq!(tell(&world, "b", &[says("e", "alice", 2), says("f", "eve", 1)]).await, 1);
    let world = world.reopened();
    assert_eq!(known(&world, "e").await, [("alice".to_owned(), 2)]);
    assert!(known(&world, "f").await.is_empty());
}

pub(crate) async fn a_silent_edge_is_taken_over_once_and_forgotten(world: World) {
    for (edge, user) in [("e", "alice"), ("f", "bob")] {
        assert_eq!(attend(&world, edge, "a", 1).await, Ok(Outcome::Done));
        tell(&world, "a", &[says(edge, user, 1)]).await;
    }
    assert_eq!(reap(&world, "e", "b").await, overtaken("e"), "it lives");
    world.advance(PRESENCE_LEASE / 2);
    assert_eq!(attend(&world, "f", "a", 2).await, Ok(Outcome::Done));
    world.advance(PRESENCE_LEASE / 2);
    assert_eq!(silent(&world).await, ["e"]);
    assert_eq!(reap(&world, "e", "b").await, Ok(Outcome::Done));
    assert_eq!(reap(&world, "e", "c").await, overtaken("e"), "another core was first");
    assert_eq!(tell(&world, "a", &[says("e", "alice", 2)]).await, 0);
    assert_eq!(tell(&world, "b", &[says("e", "alice", 0)]).await, 1);
    world.advance(PRESENCE_LEASE);
    assert_eq!(silent(&world).await.len(), 2);
    assert_eq!(reap(&world, "e", "c").await, Ok(Outcome::Done));
    assert_eq!(silent(&world).await, ["f"], "nothing is left of the first");
    assert_eq!(attend(&world, "e", "a", 3).await, Ok(Outcome::Done), "it was only away");
    assert_eq!(tell(&world, "a", &[says("e", "alice", 1)]).await, 1);
}

pub(crate) async fn who_is_connected_is_kept_by_edge_and_part(world: World) {
    let told = attend_with(&world, "e", ("a", 1), &[(0, "zero"), (7, "seven")]).await;
    assert_eq!(told, Ok(Outcome::Done));
    let told = attend_with(&world, "f", ("b", 1), &[(3, "three")]).await;
    assert_eq!(told, Ok(Outcome::Done));
    let told = attend_with(&world, "e", ("a", 2), &[(0, ""), (7, "other")]).await;
    assert_eq!(told, Ok(Outcome::Done));
    let world = world.reopened();
    let read = async |after: &Place, limit| {
        world.store.edge_parts(after, world.now(), limit).await.expect("read")
    };
    let part = |edge: &str, part, doc: &'static str| PartOfEdge {
        place: Place { edge_id: edge.to_owned(), part },
        doc: Bytes::from_static(doc.as_bytes()),
    };
    let all = [part("e", 7, "other"), part("f", 3, "three")];
    assert_eq!(read(&Place::default(), 10).await, all);
    assert_eq!(read(&Place::default(), 1).await, all[..1]);
    assert_eq!(read(&all[0].place, 10).await, all[1..]);
    world.advance(PRESENCE_LEASE);
    assert!(read(&Place::default(), 10).await.is_empty(), "both are silent");
    assert_eq!(attend(&world, "f", "b", 2).await, Ok(Outcome::Done));
    assert_eq!(reap(&world, "e", "b").await, Ok(Outcome::Done));
    assert_eq!(attend(&world, "e", "a", 3).await, Ok(Outcome::Done));
    assert_eq!(read(&Place::default(), 10).await, all[1..], "it is to tell again");
}
