//! What jobs use of models, summed up.

use std::time::Duration;

use futures::future::join_all;

use super::World;
use super::sessions::{PROJECT, take, with_sessions};
use super::world::{report, spec};
use crate::domain::job::{Command, Refusal, Report, Spec, Usage};
use crate::domain::limits::USAGE_MAX;
use crate::store::session::Action;
use crate::store::{Error, commit};

/// A job of a session, if one is named, that uses ten tokens and then fifteen more.
pub(crate) async fn uses(world: &World, number: u32, session: Option<&str>) {
    let (project, session) = (Some(PROJECT.to_owned()), session.map(str::to_owned));
    let spec = Spec { project, session, ..spec(world, number) };
    let id = spec.id.clone();
    world.create(spec).await;
    let fence = world.lease(&id, "w").await;
    for (number, total_tokens) in [(1, 10), (2, 25)] {
        // As far apart that each is logged at once.
        world.advance(Duration::from_secs(1));
        let cost_micros = total_tokens * 2;
        let usage = Some(Usage { input_tokens: 1, total_tokens, cost_micros, ..Usage::default() });
        let command = Command::Report(Box::new(Report { usage, ..report(fence, number) }));
        world.change(&id, command.clone()).await.expect("applied");
        assert!(world.change(&id, command).await.is_err(), "it counts once");
    }
}

pub(crate) async fn sum(world: &World, session: Option<&str>) -> (i64, i64, i64) {
    let sum = world.store.usage(PROJECT, session).await.expect("read");
    (sum.input_tokens, sum.total_tokens, sum.cost_micros)
}

pub(crate) async fn what_jobs_use_is_summed_for_their_session_and_project(world: World) {
    with_sessions(&world, &["s1", "s2"]).await;
    assert_eq!(sum(&world, None).await, (0, 0, 0));
    uses(&world, 1, Some("s1")).await;
    uses(&world, 2, None).await;
    let world = world.reopened();
    assert_eq!(sum(&world, None).await, (2, 50, 100));
    assert_eq!(sum(&world, Some("s1")).await, (1, 25, 50));
    assert_eq!(sum(&world, Some("s2")).await, (0, 0, 0));
    // Many at once, which share commits.
    join_all((3..=10).map(|number| uses(&world, number, Some("s2")))).await;
    assert_eq!(sum(&world, None).await, (10, 250, 500));
    assert_eq!(sum(&world, Some("s2")).await, (8, 200, 400));
}

pub(crate) async fn what_was_used_goes_with_the_session_and_with_the_project(world: World) {
    with_sessions(&world, &["s1"]).await;
    uses(&world, 1, Some("s1")).await;
    let (session_id, by) = ("s1".to_owned(), "ana".to_owned());
    take(&world, Action::EraseSession { session_id, by }).await.expect("erased");
    assert_eq!(sum(&world, Some("s1")).await, (0, 0, 0));
    assert_eq!(sum(&world, None).await, (1, 25, 50), "it was used all the same");
    uses(&world, 2, Some("s1")).await;
    assert_eq!(sum(&world, Some("s1")).await, (0, 0, 0), "no sum comes back");
    assert_eq!(sum(&world, None).await, (2, 50, 100), "the project is still there");
    let project_id = PROJECT.to_owned();
    take(&world, Action::DeleteProject { project_id }).await.expect("deleted");
    assert_eq!(sum(&world, None).await, (0, 0, 0));
    uses(&world, 3, None).await;
    assert_eq!(sum(&world, None).await, (0, 0, 0), "nothing counts for what is gone");
}

pub(crate) async fn what_is_used_has_a_limit_and_a_sum_that_is_full_stays_so(world: World) {
    with_sessions(&world, &["s1"]).await;
    uses(&world, 1, Some("s1")).await;
    let nearly = i64::MAX - 1;
    let statement = format!("UPDATE usage_total SET total_tokens = {nearly} WHERE session_id = ''");
    let world = world.altered(&statement);
    uses(&world, 2, Some("s1")).await;
    assert_eq!(sum(&world, None).await, (2, i64::MAX, 100));
    assert_eq!(sum(&world, Some("s1")).await, (2, 50, 100));
    let spec = spec(&world, 3);
    let id = spec.id.clone();
    world.create(spec).await;
    let fence = world.lease(&id, "w").await;
    let usage = Some(Usage { cost_micros: USAGE_MAX + 1, ..Usage::default() });
    let wrong = Command::Report(Box::new(Report { usage, ..report(fence, 1) }));
    let refused = world.change(&id, wrong).await.expect_err("too much");
    let Error::Refused(commit::Refusal::Job(refused)) = refused else { panic!("{refused:?}") };
    assert!(matches!(refused, Refusal::Invalid { field: "usage", .. }), "{refused:?}");
}
