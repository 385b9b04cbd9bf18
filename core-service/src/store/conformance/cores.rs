//! What several cores on one store need of it.

use std::time::Duration;

use super::World;
use super::world::room;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::topic::Topic;
use crate::store::{Claim, Lead};

const TTL: Duration = Duration::from_secs(4);

/// Where topics stand that are not where they were known to be.
async fn moved(world: &World, known: &[(Topic, Cursor)]) -> Vec<(Topic, Cursor, Option<Resume>)> {
    let heads = world.store.heads(known.to_vec()).await.expect("heads");
    heads.into_iter().map(|(topic, at)| (topic, at.head, at.resume)).collect()
}

pub(crate) async fn heads_tell_of_topics_that_moved_and_of_no_others(world: World) {
    let (a, b, unknown) = (room("a"), room("b"), room("unknown"));
    let in_a = world.publish(&a, &["1", "2"]).await;
    let in_b = world.publish(&b, &["1"]).await;
    let known = [(a.clone(), in_a[1]), (b.clone(), in_b[0]), (unknown.clone(), Cursor::START)];
    assert_eq!(moved(&world, &known).await, []);
    assert_eq!(moved(&world, &[]).await, []);
    let more = world.publish(&b, &["2", "3"]).await;
    let behind = [(a.clone(), in_a[0]), (b.clone(), in_b[0]), (unknown, Cursor::START)];
    let mut told = moved(&world, &behind).await;
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let whole = Some(Resume::Whole);
    assert_eq!(told, [(a.clone(), in_a[1], whole), (b, more[1], whole)]);
    let many: Vec<_> = (0..2000).map(|_| (a.clone(), Cursor::START)).collect();
    assert_eq!(moved(&world, &many).await.len(), many.len());
}

pub(crate) async fn heads_tell_of_a_history_that_was_rewound(world: World) {
    let before = world.publish(&room("a"), &["1"]).await;
    let restored = world.crashed();
    let lost = world.publish(&room("a"), &["2", "3"]).await;
    let new = world.publish(&room("new"), &["1"]).await;
    let known = [(room("a"), lost[1]), (room("new"), new[0])];
    let mut told = moved(&restored, &known).await;
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let ahead = Some(Resume::Ahead);
    let expected = [(room("a"), before[0], ahead), (room("new"), Cursor::START, ahead)];
    assert_eq!(told, expected);
    let other = restored.publish(&room("a"), &["other 2", "other 3"]).await;
    let told = moved(&restored, &known[..1]).await;
    assert_eq!(told, [(room("a"), other[1], Some(Resume::Forked))]);
}

async fn claim(world: &World, core: u64, ttl: Duration) -> Lead {
    let lead = world.store.lead(Claim { core, ttl }).await.expect("an answer");
    assert_eq!(lead.now, world.now(), "by the store's clock");
    lead
}

pub(crate) async fn one_core_at_a_time_has_the_lead(world: World) {
    let first = claim(&world, 1, TTL).await;
    assert!(first.is_held);
    assert!(first.vacant > Duration::from_secs(3600), "nobody ever had it");
    for _ in 0..2 {
        let refused = claim(&world, 2, TTL).await;
        assert_eq!((refused.is_held, refused.vacant), (false, Duration::ZERO));
        world.advance(TTL / 2);
        let renewed = claim(&world, 1, TTL).await;
        assert_eq!((renewed.is_held, renewed.vacant), (true, Duration::ZERO));
    }
    let racing = (3..19).map(|core| world.store.lead(Claim { core, ttl: TTL }));
    world.advance(TTL);
    let leads = futures::future::join_all(racing).await;
    let held = leads.iter().filter(|lead| lead.as_ref().is_ok_and(|lead| lead.is_held));
    assert_eq!(held.count(), 1, "of racing cores one has it");
}

pub(crate) async fn the_lead_is_free_after_its_time_and_once_it_is_given_up(world: World) {
    assert!(claim(&world, 1, TTL).await.is_held);
    assert!(!claim(&world, 2, Duration::ZERO).await.is_held, "not another's to give up");
    world.advance(TTL + Duration::from_secs(1));
    let next = claim(&world, 2, TTL).await;
    assert_eq!((next.is_held, next.vacant), (true, Duration::from_secs(1)));
    assert!(!claim(&world, 1, TTL).await.is_held, "the old one has lost it");
    assert!(!claim(&world, 2, Duration::ZERO).await.is_held);
    let next = claim(&world, 1, TTL).await;
    assert_eq!((next.is_held, next.vacant), (true, Duration::ZERO));
}
