//! Which core speaks for an edge, and who is connected to it.

use bytes::Bytes;

use super::World;
use super::presence::says;
use super::sessions::take;
use super::world::room;
use crate::domain::limits::{PRESENCE_LEASE, PRESENCE_UPGRADE};
use crate::domain::presence::Announcement;
use crate::store::edge::{Attend, PartOfEdge, Place};
use crate::store::session::{Action, Outcome, Refusal};
use crate::store::{Error, Refusal as StoreRefusal};

/// Who spoke for an edge before, and which word of it was noted.
type Before = Result<Option<(String, u64)>, Error>;

/// An edge says so to a core, in its word of this number.
async fn attend(world: &World, edge: &str, core: &str, number: u64) -> Before {
    attend_with(world, edge, (core, number), &[]).await
}

async fn attend_with(
    world: &World,
    edge: &str,
    (core, number): (&str, u64),
    parts: &[(u32, &'static str)],
) -> Before {
    let parts = parts.iter().map(|(part, doc)| (*part, Bytes::from_static(doc.as_bytes())));
    let (edge_id, core_id) = (edge.to_owned(), core.to_owned());
    let attend = Attend { edge_id, core_id, number, parts: parts.collect() };
    let Outcome::Attended(before) = take(world, Action::Attend(attend)).await? else {
        panic!("no edge")
    };
    Ok(before.map(|held| (held.core_id, held.number)))
}

fn before(core: &str, number: u64) -> Before {
    Ok(Some((core.to_owned(), number)))
}

async fn reap(world: &World, edge: &str, core: &str) -> Result<Outcome, Error> {
    let (edge_id, core_id) = (edge.to_owned(), core.to_owned());
    take(world, Action::Reap { edge_id, core_id }).await
}

/// What a core tells of a room: how many events that made, and of which edges it does not speak.
async fn tell(world: &World, core: &str, announced: &[Announcement]) -> (usize, Vec<String>) {
    let (topic, core_id) = (room("lobby"), core.to_owned());
    match take(world, Action::Announce { topic, announced: announced.to_vec(), core_id }).await {
        Ok(Outcome::Announced { events, unspoken }) => (events.len(), unspoken),
        other => panic!("{other:?} are no events"),
    }
}

fn all_but(events: usize, unspoken: &[&str]) -> (usize, Vec<String>) {
    (events, unspoken.iter().map(|edge| (*edge).to_owned()).collect())
}

fn overtaken<T>(edge: &str) -> Result<T, Error> {
    Err(Error::Refused(StoreRefusal::Session(Refusal::Overtaken(edge.to_owned()))))
}

async fn known(world: &World, edge: &str) -> Vec<(String, u32)> {
    let known = world.store.announcements(edge).await.expect("read").into_iter();
    let mut known: Vec<_> = known.map(|(_, one)| (one.user_id, one.connections)).collect();
    known.sort();
    known
}

async fn silent(world: &World) -> Vec<String> {
    world.store.silent_edges(10).await.expect("read")
}

pub(crate) async fn only_the_core_that_an_edge_talks_to_speaks_for_it(world: World) {
    let said = [says("e", "eve", 1)];
    assert_eq!(tell(&world, "a", &said).await, all_but(0, &["e"]), "nobody speaks for it");
    assert_eq!(attend(&world, "e", "a", 1).await, Ok(None));
    assert_eq!(tell(&world, "a", &[says("e", "alice", 1)]).await, all_but(1, &[]));
    assert_eq!(attend(&world, "e", "b", 2).await, before("a", 1));
    let left = tell(&world, "a", &[says("e", "alice", 0)]).await;
    assert_eq!(left, all_but(0, &["e"]), "the core that was left");
    assert_eq!(known(&world, "e").await, [("alice".to_owned(), 1)]);
    assert_eq!(attend(&world, "e", "a", 1).await, overtaken("e"), "a word that came late");
    assert_eq!(attend(&world, "e", "a", 2).await, overtaken("e"), "the same word elsewhere");
    assert_eq!(attend(&world, "e", "b", 2).await, before("b", 2), "the same word again");
    let said = [says("e", "alice", 2), says("f", "eve", 1)];
    assert_eq!(tell(&world, "b", &said).await, all_but(1, &["f"]));
    let world = world.reopened();
    assert_eq!(known(&world, "e").await, [("alice".to_owned(), 2)]);
    assert!(known(&world, "f").await.is_empty());
}

pub(crate) async fn a_silent_edge_is_taken_over_once_and_forgotten(world: World) {
    for (edge, user) in [("e", "alice"), ("f", "bob")] {
        assert_eq!(attend(&world, edge, "a", 1).await, Ok(None));
        tell(&world, "a", &[says(edge, user, 1)]).await;
    }
    assert_eq!(reap(&world, "e", "b").await, overtaken("e"), "it lives");
    world.advance(PRESENCE_LEASE / 2);
    assert_eq!(attend(&world, "f", "a", 2).await, before("a", 1));
    world.advance(PRESENCE_LEASE / 2);
    assert_eq!(silent(&world).await, ["e"]);
    assert_eq!(reap(&world, "e", "b").await, Ok(Outcome::Done));
    assert_eq!(reap(&world, "e", "c").await, overtaken("e"), "another core was first");
    assert_eq!(tell(&world, "a", &[says("e", "alice", 2)]).await, all_but(0, &["e"]));
    assert_eq!(tell(&world, "b", &[says("e", "alice", 0)]).await, all_but(1, &[]));
    world.advance(PRESENCE_LEASE);
    assert_eq!(silent(&world).await.len(), 2);
    assert_eq!(reap(&world, "e", "c").await, Ok(Outcome::Done));
    assert_eq!(silent(&world).await, ["f"], "nothing is left of the first");
    assert_eq!(attend(&world, "e", "a", 3).await, Ok(None), "it was only away");
    assert_eq!(tell(&world, "a", &[says("e", "alice", 1)]).await, all_but(1, &[]));
    assert_eq!(reap(&world, "f", "b").await, Ok(Outcome::Done));
    assert_eq!(attend(&world, "f", "a", 3).await, before("b", 2), "it has to say all again");
}

pub(crate) async fn who_is_connected_is_kept_by_edge_and_part(world: World) {
    let told = attend_with(&world, "e", ("a", 1), &[(0, "zero"), (7, "seven"), (9, "nine")]).await;
    assert_eq!(told, Ok(None));
    let told = attend_with(&world, "f", ("b", 1), &[(3, "three")]).await;
    assert_eq!(told, Ok(None));
    let changed = [(0, ""), (7, "seven again"), (7, "other"), (9, ""), (11, "")];
    assert_eq!(attend_with(&world, "e", ("a", 2), &changed).await, before("a", 1));
    let world = world.reopened();
    let read =
        async |after: &Place, limit| world.store.edge_parts(after, limit).await.expect("read");
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
    assert_eq!(attend(&world, "f", "b", 2).await, before("b", 1));
    assert_eq!(reap(&world, "e", "b").await, Ok(Outcome::Done));
    assert_eq!(attend(&world, "e", "a", 3).await, Ok(None));
    assert_eq!(read(&Place::default(), 10).await, all[1..], "it is to tell again");
}

pub(crate) async fn whom_an_older_core_tells_of_stays_as_long_as_an_upgrade_may_take(world: World) {
    for (edge, user) in [("e", "alice"), ("f", "bob")] {
        assert_eq!(attend(&world, edge, "old", 1).await, Ok(None));
        tell(&world, "old", &[says(edge, user, 1), says(edge, "both", 1)]).await;
    }
    // Such a core knows of no rows of edges.
    let world = world.altered("DELETE FROM edge");
    assert_eq!(silent(&world).await, ["e", "f"]);
    for edge in ["e", "f"] {
        assert_eq!(reap(&world, edge, "a").await, Ok(Outcome::Attended(None)));
    }
    world.advance(2 * PRESENCE_LEASE);
    assert!(silent(&world).await.is_empty());
    assert_eq!(tell(&world, "a", &[says("e", "alice", 0)]).await, all_but(0, &["e"]));
    assert_eq!(attend(&world, "f", "a", 1).await, before("", 0), "its core was replaced");
    world.advance(PRESENCE_UPGRADE - 2 * PRESENCE_LEASE);
    assert_eq!(attend(&world, "f", "a", 2).await, before("a", 1));
    assert_eq!(silent(&world).await, ["e"], "it went with its core");
    assert_eq!(reap(&world, "e", "a").await, Ok(Outcome::Done));
    assert_eq!(tell(&world, "a", &[says("e", "alice", 0)]).await, all_but(1, &[]));
    assert_eq!(known(&world, "f").await, [("bob".to_owned(), 1), ("both".to_owned(), 1)]);
}
