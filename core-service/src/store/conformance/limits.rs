use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::World;
use super::agenda::seeker;
use super::world::{TTL, report, spec};
use crate::domain::job::{self, Command, End, Record, Report, Spec};
use crate::store::commit::Refusal;
use crate::store::{AgendaQuery, Error};

/// How the engines are opened.
pub(crate) const SETTING: &str = "capped=all:3,each:2";
const KIND: &str = "capped";
const ALL: usize = 3;
const EACH: usize = 2;

fn capped(world: &World, n: u32, owner: &str) -> Spec {
    Spec { kind: KIND.into(), owner: owner.into(), ..spec(world, n) }
}

fn id(n: u32) -> String {
    format!("job-{n:06}")
}

async fn lease(world: &World, n: u32) -> Result<Arc<Record>, Error> {
    let command = Command::Lease { worker: "w".into(), ttl: TTL };
    world.change(&id(n), command).await
}

fn is_not_free(outcome: &Result<Arc<Record>, Error>) -> bool {
    *outcome == Err(Error::Refused(Refusal::Job(job::Refusal::NotFree)))
}

async fn free(world: &World, limit: usize) -> Vec<String> {
    let kinds = vec![KIND.to_owned(), "render".to_owned()];
    let query = AgendaQuery::Free { kinds, tenant: None, seekers: seeker("w"), limit };
    let found = world.store.agenda(query).await.expect("an agenda");
    found.into_iter().map(|candidate| candidate.job_id).collect()
}

pub(crate) async fn racing_leases_stop_at_the_limit_of_a_kind_and_of_a_key(world: World) {
    for n in 0..16 {
        world.create(capped(&world, n, if n < 8 { "alice" } else { "bob" })).await;
    }
    let outcomes = join_all((0..16).map(|n| lease(&world, n))).await;
    let owners: Vec<_> =
        outcomes.iter().flatten().map(|record| record.job.spec.owner.clone()).collect();
    assert_eq!(owners.len(), ALL);
    for owner in ["alice", "bob"] {
        assert!(owners.iter().filter(|one| *one == owner).count() <= EACH, "{owners:?}");
    }
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || is_not_free(outcome)));
}

pub(crate) async fn a_job_behind_a_limit_holds_up_no_other(world: World) {
    for n in 0..100 {
        world.create(Spec { priority: 100, ..capped(&world, n, "alice") }).await;
    }
    world.create(Spec { priority: 50, ..capped(&world, 100, "bob") }).await;
    world.create(Spec { owner: "alice".into(), ..spec(&world, 101) }).await;
    assert_eq!(
        free(&world, 9).await,
        [id(0), id(1), id(100), id(101)],
        "no more than there is room"
    );
    for n in [0, 1] {
        lease(&world, n).await.expect("room");
    }
    assert_eq!(free(&world, 1).await, [id(100)], "another key of the kind goes on");
    lease(&world, 100).await.expect("room");
    assert_eq!(free(&world, 1).await, [id(101)], "another kind goes on");
}

pub(crate) async fn every_end_of_an_attempt_makes_room(world: World) {
    for n in 0..9 {
        world.create(capped(&world, n, "alice")).await;
    }
    let mut held = lease(&world, 0).await.expect("room");
    let second = lease(&world, 1).await.expect("room");
    let error = job::Fault { code: "boom".into(), message: String::new(), retryable: false };
    let end = |end: End| Command::Report(Box::new(Report { end: Some(end), ..report(1, 1) }));
    let cancel =
        Command::Cancel { reason: String::new(), by: "alice".into(), grace: Duration::ZERO };
    let tick = Command::Tick { leases_hold_until: world.now() };
    let ends = [
        vec![end(End::Completed(None))],
        vec![end(End::Failed { error, retry_after: None })],
        vec![end(End::Released)],
        vec![Command::Return { fence: 1 }],
        vec![cancel, end(End::Cancelled)],
    ];
    let mut next = 2;
    for commands in ends {
        assert!(is_not_free(&lease(&world, next).await), "two of alice's are at work");
        for command in commands {
            world.change(&held.job.spec.id, command).await.expect("accepted");
        }
        held = lease(&world, next).await.expect("room again");
        next += 1;
    }
    world.advance(TTL);
    world.change(&second.job.spec.id, tick).await.expect("its lease is lost");
    lease(&world, next).await.expect("room again");
}

pub(crate) async fn a_limit_holds_after_reopening(world: World) {
    for n in 0..5 {
        world.create(capped(&world, n, if n % 2 == 0 { "alice" } else { "bob" })).await;
    }
    for n in [0, 1, 2] {
        lease(&world, n).await.expect("room");
    }
    let world = world.reopened();
    assert!(is_not_free(&lease(&world, 3).await));
    assert!(free(&world, 9).await.is_empty());
    world.finish(&id(0), 1, 1).await;
    assert_eq!(free(&world, 9).await, [id(4)], "room for one");
    lease(&world, 4).await.expect("room again");
}

pub(crate) async fn no_history_of_a_limited_kind_passes_its_limits(world: World) {
    const OWNERS: [&str; 3] = ["alice", "bob", "carol"];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut jobs: BTreeMap<u32, Arc<Record>> = BTreeMap::new();
    for _ in 0..600 {
        let n = dice.below(24);
        let owner = OWNERS[n as usize % OWNERS.len()];
        let Some(before) = jobs.get(&n).cloned() else {
            jobs.insert(n, world.create(capped(&world, n, owner)).await);
            continue;
        };
        let fence = before.custody.fence;
        let next = before.custody.report + 1;
        let end = |end| Command::Report(Box::new(Report { end: Some(end), ..report(fence, next) }));
        let outcome = match dice.below(6) {
            0..=2 => {
                let leased =
                    |one: &&Arc<Record>| one.custody.lease.is_some() && !one.job.state.is_final();
                let all = jobs.values().filter(leased).count();
                let each = jobs.values().filter(leased).filter(|one| one.job.spec.owner == owner);
                let is_free = before.job.state == job::State::Queued
                    && before.custody.lease.is_none()
                    && all < ALL
                    && each.count() < EACH;
                let outcome = lease(&world, n).await;
                assert_eq!(outcome.is_ok(), is_free, "{n} after {before:?}");
                assert!(outcome.is_ok() || is_not_free(&outcome));
                outcome
            }
            3 => world.change(&id(n), end(End::Released)).await,
            4 => world.change(&id(n), Command::Return { fence }).await,
            _ => {
                world.advance(TTL);
                let tick = Command::Tick { leases_hold_until: world.now() };
                world.change(&id(n), tick).await
            }
        };
        if let Ok(after) = outcome {
            jobs.insert(n, after);
        }
    }
}

/// Throws the same numbers each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}
