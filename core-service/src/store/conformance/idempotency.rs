use std::time::Duration;

use futures::future::join_all;

use super::World;
use super::world::{create, cursors, event, key, publish, room, spec};
use crate::store::commit::{Command, Committed, Refusal};
use crate::store::{Error, JobQuery};

fn keyed(world: &World, text: &str, content: u8) -> Command {
    let events = vec![event("said", text), event("said", "and more")];
    let idempotency = key(world, "k", content);
    Command { idempotency, ..publish(&room("keys"), events, None) }
}

fn is_replay(committed: &Committed) -> bool {
    match committed {
        Committed::Published { is_replay, .. } | Committed::Job { is_replay, .. } => *is_replay,
        Committed::Session { is_replay, .. } => *is_replay,
        Committed::Access { .. } => false,
    }
}

pub(crate) async fn racing_publishes_with_one_key_commit_once(world: World) {
    let race = (0..32).map(|_| world.store.commit(keyed(&world, "once", 1)));
    let outcomes: Result<Vec<_>, _> = join_all(race).await.into_iter().collect();
    let outcomes = outcomes.expect("all answered");
    assert_eq!(outcomes.iter().filter(|outcome| !is_replay(outcome)).count(), 1);
    let first = cursors(Ok(outcomes[0].clone()));
    assert!(outcomes.into_iter().all(|outcome| cursors(Ok(outcome)) == first));
    assert_eq!(world.whole(&room("keys")).await.len(), 2);
    assert_eq!(world.tapped().len(), 2);
}

pub(crate) async fn racing_creates_with_one_key_make_one_job(world: World) {
    let race = (0..16).map(|n| {
        let idempotency = key(&world, "create", 1);
        world.store.commit(Command { idempotency, ..create(spec(&world, n)) })
    });
    let outcomes: Result<Vec<_>, _> = join_all(race).await.into_iter().collect();
    let outcomes = outcomes.expect("all answered");
    assert_eq!(outcomes.iter().filter(|outcome| !is_replay(outcome)).count(), 1);
    let query = JobQuery { tenant: "acme".into(), limit: 50, ..JobQuery::default() };
    assert_eq!(world.store.jobs(query).await.expect("a list").jobs.len(), 1);
}

pub(crate) async fn a_key_with_other_content_is_refused(world: World) {
    world.store.commit(keyed(&world, "one", 1)).await.expect("committed");
    let other = world.store.commit(keyed(&world, "two", 2)).await;
    assert_eq!(other, Err(Error::Refused(Refusal::IdempotencyMismatch)));
    assert_eq!(world.whole(&room("keys")).await.len(), 2);
}

pub(crate) async fn a_key_is_known_after_reopening(world: World) {
    let first = cursors(world.store.commit(keyed(&world, "one", 1)).await);
    let world = world.reopened();
    let again = world.store.commit(keyed(&world, "one", 1)).await.expect("answered");
    assert!(is_replay(&again));
    assert_eq!(cursors(Ok(again)), first, "with the stamp of the session that committed it");
    let other = world.store.commit(keyed(&world, "one", 2)).await;
    assert_eq!(other, Err(Error::Refused(Refusal::IdempotencyMismatch)));
}

pub(crate) async fn a_key_is_free_again_after_its_time(world: World) {
    world.store.commit(keyed(&world, "one", 1)).await.expect("committed");
    world.advance(Duration::from_secs(24 * 3600));
    let other = world.store.commit(keyed(&world, "two", 2)).await.expect("committed");
    assert!(!is_replay(&other));
    assert_eq!(world.whole(&room("keys")).await.len(), 4);
}

pub(crate) async fn a_refused_command_leaves_its_key_free(world: World) {
    let events = vec![event("said", "early")];
    let idempotency = key(&world, "k", 1);
    let early = Command { idempotency, ..publish(&room("keys"), events, Some(9)) };
    assert!(world.store.commit(early).await.is_err());
    let second = world.store.commit(keyed(&world, "one", 2)).await.expect("committed");
    assert!(!is_replay(&second));
}
