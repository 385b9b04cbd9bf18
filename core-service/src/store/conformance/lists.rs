use std::collections::BTreeMap;

use super::World;
use super::world::{report, spec};
use crate::domain::job::{Command, End, Report, Spec, State};
use crate::domain::limits::PAYLOAD_BYTES_MAX;
use crate::domain::payload::Payload;
use crate::store::JobQuery;

fn query() -> JobQuery {
    JobQuery { tenant: "acme".into(), limit: 100, ..JobQuery::default() }
}

async fn ids(world: &World, query: JobQuery) -> Vec<u32> {
    let found = world.store.jobs(query).await.expect("a list");
    found.jobs.iter().map(|job| number(&job.record.job.spec.id)).collect()
}

fn number(id: &str) -> u32 {
    id.trim_start_matches("job-").parse().expect("a number")
}

pub(crate) async fn jobs_are_listed_newest_first_in_pages(world: World) {
    for n in 1..=25 {
        world.create(spec(&world, n)).await;
        if n % 3 == 0 {
            world.lease(&format!("job-{n:06}"), "w").await;
        }
    }
    let owner = Some("alice".to_owned());
    let kind = Some("render".to_owned());
    for base in [query(), JobQuery { owner, ..query() }, JobQuery { kind, ..query() }] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = JobQuery { after: after.clone(), limit: 5, ..base.clone() };
            let page = world.store.jobs(page).await.expect("a list");
            let ids = page.jobs.iter().map(|job| number(&job.record.job.spec.id));
            listed.extend(ids);
            after = page.jobs.last().map(|job| job.record.job.spec.id.clone());
            assert_eq!((page.jobs.len(), page.has_more), (5, listed.len() < 25));
            if !page.has_more {
                break;
            }
        }
        assert_eq!(listed, (1..=25).rev().collect::<Vec<_>>());
    }
}

/// Results of a megabyte: two of them are what a page may hold.
pub(crate) async fn a_page_of_long_records_is_short_and_says_that_others_follow(world: World) {
    let result = Payload::json(format!("\"{}\"", "x".repeat(PAYLOAD_BYTES_MAX - 2)));
    for n in 1..=5 {
        world.create(spec(&world, n)).await;
        let id = format!("job-{n:06}");
        let fence = world.lease(&id, "w").await;
        let end = Some(End::Completed(Some(result.clone())));
        let report = Command::Report(Box::new(Report { end, ..report(fence, 1) }));
        world.change(&id, report).await.expect("finished");
    }
    let (mut listed, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = world.store.jobs(JobQuery { after, ..query() }).await.expect("a list");
        listed.extend(page.jobs.iter().map(|job| number(&job.record.job.spec.id)));
        sizes.push((page.jobs.len(), page.has_more));
        after = page.jobs.last().map(|job| job.record.job.spec.id.clone());
        if !page.has_more {
            break;
        }
    }
    assert_eq!((listed, sizes), (vec![5, 4, 3, 2, 1], vec![(2, true), (2, true), (1, false)]));
}

pub(crate) async fn every_filter_holds_alone_and_together(world: World) {
    let specs: Vec<Spec> = (0..48)
        .map(|n| Spec {
            owner: ["alice", "bob"][n as usize % 2].into(),
            project: [None, Some("p".to_owned()), Some("q".to_owned())][n as usize % 3].clone(),
            kind: ["render", "test"][n as usize / 4 % 2].into(),
            labels: BTreeMap::from([
                ("team".to_owned(), ["red", "blue"][n as usize / 8 % 2].to_owned()),
                ("size".to_owned(), ["s", "m", "l"][n as usize / 3 % 3].to_owned()),
            ]),
            ..spec(&world, n)
        })
        .collect();
    for spec in &specs {
        world.create(spec.clone()).await;
        if number(&spec.id).is_multiple_of(5) {
            let cancel = Command::Cancel {
                reason: "enough".into(),
                by: "alice".into(),
                grace: super::world::TTL,
            };
            world.change(&spec.id, cancel).await.expect("cancelled");
        }
    }
    let state = |n| if u32::is_multiple_of(n, 5) { State::Cancelled } else { State::Queued };
    for mask in 0..32_u32 {
        let on = |bit: u32| mask & (1 << bit) != 0;
        let wanted = JobQuery {
            owner: on(0).then(|| "bob".into()),
            project: on(1).then(|| "p".into()),
            kind: on(2).then(|| "test".into()),
            states: if on(3) { vec![State::Cancelled, State::Running] } else { Vec::new() },
            labels: if on(4) {
                vec![("team".into(), "blue".into()), ("size".into(), "m".into())]
            } else {
                Vec::new()
            },
            ..query()
        };
        let matches = |spec: &&Spec| {
            (wanted.owner.is_none() || wanted.owner.as_ref() == Some(&spec.owner))
                && (wanted.project.is_none() || wanted.project == spec.project)
                && (wanted.kind.is_none() || wanted.kind.as_ref() == Some(&spec.kind))
                && (wanted.states.is_empty() || wanted.states.contains(&state(number(&spec.id))))
                && wanted.labels.iter().all(|(key, value)| spec.labels.get(key) == Some(value))
        };
        let expected: Vec<_> =
            specs.iter().rev().filter(matches).map(|spec| number(&spec.id)).collect();
        assert_eq!(ids(&world, wanted.clone()).await, expected, "{wanted:?}");
    }
}

pub(crate) async fn a_listed_job_moves_between_states(world: World) {
    world.create(spec(&world, 1)).await;
    let fence = world.lease("job-000001", "w").await;
    let list = |state| ids(&world, JobQuery { states: vec![state], ..query() });
    assert_eq!(list(State::Queued).await, [1]);
    world.finish("job-000001", fence, 1).await;
    assert_eq!((list(State::Queued).await, list(State::Completed).await), (vec![], vec![1]));
    assert_eq!(ids(&world, query()).await, [1]);
}

pub(crate) async fn tenants_never_see_each_other(world: World) {
    world.create(spec(&world, 1)).await;
    world.create(Spec { tenant: "evil".into(), ..spec(&world, 2) }).await;
    assert_eq!(ids(&world, query()).await, [1]);
    let evil = JobQuery { tenant: "evil".into(), owner: Some("alice".into()), ..query() };
    assert_eq!(ids(&world, evil).await, [2]);
}
