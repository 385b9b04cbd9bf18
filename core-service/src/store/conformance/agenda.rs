use std::time::Duration;

use super::World;
use super::world::spec;
use crate::domain::job::{Command, Spec};
use crate::domain::time::Time;
use crate::store::{AgendaQuery, Seeker};

/// A worker by itself.
pub(crate) fn seeker(worker: &str) -> Vec<Seeker> {
    vec![Seeker { worker: worker.into(), pinned_max: usize::MAX }]
}

fn free(worker: &str, limit: usize) -> AgendaQuery {
    let kinds = vec!["render".to_owned(), "test".to_owned()];
    AgendaQuery::Free { kinds, tenant: None, seekers: seeker(worker), limit }
}

async fn ask(world: &World, query: AgendaQuery) -> Vec<u32> {
    let found = world.store.agenda(query).await.expect("an agenda");
    found.iter().map(|c| c.job_id.trim_start_matches("job-").parse().expect("a number")).collect()
}

fn of(world: &World, n: u32, owner: &str, priority: i32) -> Spec {
    Spec { owner: owner.into(), priority, ..spec(world, n) }
}

pub(crate) async fn priority_comes_first_and_owners_take_turns(world: World) {
    for (n, owner, priority) in [
        (1, "alice", 0),
        (2, "alice", 0),
        (3, "bob", 0),
        (4, "alice", 5),
        (5, "carol", -5),
        (6, "bob", 0),
        (7, "alice", 0),
    ] {
        world.create(of(&world, n, owner, priority)).await;
    }
    let test = Spec { kind: "test".into(), ..of(&world, 8, "bob", 0) };
    world.create(test).await;
    assert_eq!(ask(&world, free("w", 99)).await, [4, 1, 3, 2, 6, 7, 8, 5]);
    let kinds = vec!["sing".to_owned()];
    let sing = AgendaQuery::Free { kinds, tenant: None, seekers: seeker("w"), limit: 9 };
    assert!(ask(&world, sing).await.is_empty());
}

pub(crate) async fn a_crowd_of_one_owner_holds_nobody_up(world: World) {
    for n in 0..500 {
        world.create(of(&world, n, "alice", 0)).await;
    }
    for (n, owner) in [(600, "bob"), (601, "carol")] {
        world.create(of(&world, n, owner, 0)).await;
    }
    let first: Vec<_> = ask(&world, free("w", 6)).await;
    assert_eq!(first, [0, 600, 601, 1, 2, 3]);
}

pub(crate) async fn turns_go_on_between_readings_of_one_job(world: World) {
    for n in 0..6 {
        world.create(of(&world, n, "alice", 0)).await;
    }
    world.create(of(&world, 6, "bob", 0)).await;
    world.create(of(&world, 7, "carol", 0)).await;
    let mut order = Vec::new();
    loop {
        let found = ask(&world, free("w", 1)).await;
        let Some(next) = found.first() else { break };
        world.lease(&format!("job-{next:06}"), "w").await;
        order.push(*next);
    }
    assert_eq!(order, [0, 6, 7, 1, 2, 3, 4, 5]);
}

pub(crate) async fn a_pinned_job_is_seen_by_its_worker_alone(world: World) {
    let pinned =
        |n, worker: &str| Spec { pinned_worker: Some(worker.into()), ..of(&world, n, "alice", 0) };
    world.create(pinned(1, "mine")).await;
    world.create(pinned(2, "yours")).await;
    world.create(of(&world, 3, "alice", 0)).await;
    assert_eq!(ask(&world, free("mine", 9)).await, [1, 3]);
    assert_eq!(ask(&world, free("yours", 9)).await, [2, 3]);
    assert_eq!(ask(&world, free("other", 9)).await, [3]);
    world.create(pinned(4, "mine")).await;
    let crew = |pinned_max| {
        let seeker = |worker: &str| Seeker { worker: worker.into(), pinned_max };
        let seekers = ["mine", "yours", "other"].map(seeker).to_vec();
        AgendaQuery::Free { kinds: vec!["render".into()], tenant: None, seekers, limit: 9 }
    };
    assert_eq!(ask(&world, crew(9)).await, [1, 2, 3, 4], "who asks together sees what each would");
    assert_eq!(ask(&world, crew(1)).await, [1, 2, 3], "no more of a worker's own than are of use");
    let found = world.store.agenda(crew(9)).await.expect("an agenda");
    let pins: Vec<_> = found.iter().map(|job| job.pinned.as_deref()).collect();
    assert_eq!(pins, [Some("mine"), Some("yours"), None, Some("mine")]);
    let (kinds, mine) =
        (vec!["render".to_owned()], Seeker { worker: "mine".into(), pinned_max: 1 });
    let seekers = vec![mine.clone(), mine];
    let twice = AgendaQuery::Free { kinds, tenant: None, seekers, limit: 2 };
    assert_eq!(ask(&world, twice).await, [1, 3], "who is connected twice sees each job once");
}

pub(crate) async fn a_tenants_worker_sees_its_tenant_alone(world: World) {
    for (n, tenant) in [(1, "acme"), (2, "acme2"), (3, "acm"), (4, "acme")] {
        world.create(Spec { tenant: tenant.into(), ..spec(&world, n) }).await;
    }
    for _ in 0..2 {
        let kinds = vec!["render".to_owned()];
        let tenant = Some("acme".to_owned());
        let query = AgendaQuery::Free { kinds, tenant, seekers: seeker("w"), limit: 9 };
        assert_eq!(ask(&world, query).await, [1, 4]);
    }
}

pub(crate) async fn old_jobs_of_low_priority_do_not_starve(world: World) {
    world.create(of(&world, 1, "bob", -100)).await;
    world.advance(Duration::from_secs(61));
    for n in 2..40 {
        world.create(of(&world, n, "alice", 100)).await;
    }
    for round in 0..32 {
        let next = ask(&world, free("w", 1)).await[0];
        if next == 1 {
            assert!(round > 0, "high priority comes first");
            return;
        }
        world.lease(&format!("job-{next:06}"), "w").await;
    }
    panic!("the old job was never offered");
}

pub(crate) async fn deadlines_come_due_in_order(world: World) {
    let start = world.now();
    assert!(ask(&world, AgendaQuery::Next).await.is_empty());
    for (n, delay) in [(1, 30), (2, 10), (3, 20)] {
        let run_at = start + Duration::from_secs(delay);
        world.create(Spec { run_at, ..spec(&world, n) }).await;
    }
    let due = |at: Time| ask(&world, AgendaQuery::Due { now: at, limit: 10 });
    assert_eq!(ask(&world, AgendaQuery::Next).await, [2]);
    assert!(ask(&world, free("w", 9)).await.is_empty(), "scheduled is not free");
    let at = |seconds| start + Duration::from_secs(seconds);
    assert!(due(at(9)).await.is_empty());
    assert_eq!(due(at(20)).await, [2, 3]);
    assert_eq!(due(at(30)).await, [2, 3, 1]);
    world.advance(Duration::from_secs(10));
    let tick = Command::Tick { leases_hold_until: start };
    world.change("job-000002", tick).await.expect("ticked");
    assert_eq!(due(at(20)).await, [3], "what was done is not due again");
    assert_eq!(ask(&world, free("w", 9)).await, [2]);
}
