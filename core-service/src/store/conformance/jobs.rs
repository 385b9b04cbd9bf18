use std::sync::Arc;

use futures::future::join_all;

use super::World;
use super::agenda::seeker;
use super::world::{TTL, create, job_topic, key, percent, record, report, spec};
use crate::domain::event::{Body, Event};
use crate::domain::job::{self, Job, OutputChunk, Report, Reported, Spec, State};
use crate::domain::payload::{JSON, Payload};
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command, Committed, Refusal};
use crate::store::{AgendaQuery, Error};

pub(crate) async fn a_job_and_its_events_are_committed_together(world: World) {
    let spec = Spec { project: Some("p1".into()), ..spec(&world, 1) };
    let input = Payload { content_type: "image/png".into(), data: vec![0, 255].into() };
    let action =
        Action::CreateJob { spec: Box::new(spec.clone()), input: Some(input.clone()), taker: None };
    let command = Command { action, idempotency: None, trace: Some([3; 16]) };
    let created = record(world.store.commit(command).await);
    let stored = world.store.job(&spec.id).await.expect("read").expect("a job");
    assert_eq!(stored.record, created);
    assert_eq!(stored.cursor.offset, 1);
    assert_eq!(world.store.job_input(&spec.id).await, Ok(Some(input)));
    let of = |kind, name| Topic::new("acme", kind, name).expect("a topic");
    let topics = [job_topic(&spec.id), of(Kind::User, "alice"), of(Kind::Project, "p1")];
    let mut logs = Vec::new();
    for topic in &topics {
        logs.extend(world.whole(topic).await);
    }
    let kinds: Vec<_> = logs.iter().map(|event| &*event.kind).collect();
    assert_eq!(kinds, ["job.created", "job.summary", "job.summary"]);
    assert_eq!(world.tapped(), logs);
    assert_eq!(world.store.job("nobody").await, Ok(None));
    assert_eq!(world.store.job_input("nobody").await, Ok(None));
}

pub(crate) async fn a_taker_has_a_job_from_its_creation(world: World) {
    let (spec, taker) = (spec(&world, 1), job::Taker { worker: "w".into(), ttl: TTL });
    let action =
        Action::CreateJob { spec: Box::new(spec.clone()), input: None, taker: Some(taker) };
    let command = Command { action, idempotency: key(&world, "k", 1), trace: None };
    let created = record(world.store.commit(command.clone()).await);
    assert!(created.is_held_under(1));
    let kinds = vec![spec.kind.clone()];
    let free = AgendaQuery::Free { kinds, tenant: None, seekers: seeker("w"), limit: 9 };
    assert_eq!(world.store.agenda(free).await, Ok(Vec::new()), "it is not free");
    let started = world.change(&spec.id, percent(1, 1, 10.0)).await.expect("the lease is in force");
    let again = world.store.commit(command).await.expect("answered");
    let Committed::Job { record, is_replay, .. } = again else { panic!("{again:?} is no job") };
    assert_eq!((record, is_replay), (started, true), "a repetition leases nothing");
    let log = world.whole(&job_topic(&spec.id)).await;
    assert_eq!(log.len(), 3, "created, started, progress: {log:?}");
}

pub(crate) async fn racing_leases_go_to_one_worker(world: World) {
    world.create(spec(&world, 1)).await;
    let race = (0..16).map(|n| {
        let command = job::Command::Lease { worker: format!("w{n}"), ttl: TTL };
        world.change("job-000001", command)
    });
    let outcomes = join_all(race).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = Error::Refused(Refusal::Job(job::Refusal::NotFree));
    assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|e| *e == refused));
}

pub(crate) async fn a_refused_report_changes_nothing(world: World) {
    let id = "job-000001";
    world.create(spec(&world, 1)).await;
    let fence = world.lease(id, "w").await;
    world.change(id, percent(fence, 1, 10.0)).await.expect("applied");
    let before = world.store.job(id).await;
    let (log, tapped) = (world.whole(&job_topic(id)).await, world.tapped().len());
    let gap = OutputChunk { channel: "out".into(), offset: 5, data: "late".into() };
    let half = Report { output: vec![gap], ..report(fence, 2) };
    for wrong in [
        percent(fence + 1, 2, 20.0),
        percent(fence, 1, 20.0),
        percent(fence, 3, 20.0),
        percent(fence, 2, 150.0),
        percent(fence, 2, f64::NAN),
        job::Command::Report(Box::new(half)),
    ] {
        assert!(matches!(world.change(id, wrong).await, Err(Error::Refused(_))));
    }
    assert_eq!(world.store.job(id).await, before);
    assert_eq!(world.whole(&job_topic(id)).await, log);
    assert_eq!(world.tapped().len(), tapped);
    let unknown = world.change("nobody", percent(1, 1, 1.0)).await;
    assert_eq!(unknown, Err(Error::Refused(Refusal::JobNotFound("nobody".into()))));
}

pub(crate) async fn a_report_is_applied_once(world: World) {
    let id = "job-000001";
    world.create(spec(&world, 1)).await;
    let fence = world.lease(id, "w").await;
    let race = (0..8).map(|_| world.change(id, percent(fence, 1, 30.0)));
    let outcomes = join_all(race).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let duplicate = Error::Refused(Refusal::Job(job::Refusal::Duplicate { number: 1 }));
    assert_eq!(outcomes.iter().filter(|o| o.as_ref().err() == Some(&duplicate)).count(), 7);
}

pub(crate) async fn the_log_folds_into_the_stored_job(world: World) {
    let id = "job-000001";
    world.create(spec(&world, 1)).await;
    let fence = world.lease(id, "w").await;
    for number in 1..=20_u32 {
        world.advance(std::time::Duration::from_millis(40));
        let command = percent(fence, u64::from(number), f64::from(number));
        let stored = world.change(id, command).await.expect("applied");
        assert_eq!(folded(&world.whole(&job_topic(id)).await), stored.job);
    }
    let ended = world.finish(id, fence, 21).await;
    assert_eq!(folded(&world.whole(&job_topic(id)).await), ended.job);
    assert_eq!(ended.job.state, State::Completed);
}

pub(crate) async fn a_workers_own_events_reach_its_job_and_its_project(world: World) {
    let spec = Spec { project: Some("p1".into()), trace: Some([7; 16]), ..spec(&world, 1) };
    let id = spec.id.clone();
    world.create(spec).await;
    let fence = world.lease(&id, "w").await;
    let said = |kind: &str, content_type: &'static str, data: &'static [u8]| Reported {
        kind: kind.into(),
        payload: Payload { content_type: content_type.into(), data: data.into() },
    };
    let events =
        vec![said("test_result", JSON, b"{\"ok\": true}\n"), said("shot", "image/png", &[0, 255])];
    let usage = Some(job::Usage { total_tokens: 9, ..job::Usage::default() });
    let news = Report { usage, events, ..report(fence, 1) };
    let command = job::Command::Report(Box::new(news));
    let told = world.change(&id, command.clone()).await.expect("applied");
    let again = world.change(&id, command).await;
    assert_eq!(again, Err(Error::Refused(Refusal::Job(job::Refusal::Duplicate { number: 1 }))));
    let of = |kind, name| Topic::new("acme", kind, name).expect("a topic");
    let own = world.whole(&job_topic(&id)).await;
    let project = world.whole(&of(Kind::Project, "p1")).await;
    let user = world.whole(&of(Kind::User, "alice")).await;
    let kinds = |log: &[Arc<Event>]| log.iter().map(|e| e.kind.to_string()).collect::<Vec<_>>();
    assert_eq!(kinds(&own), ["job.created", "job.started", "job.usage", "test_result", "shot"]);
    let in_project = ["job.summary", "job.usage", "test_result", "shot", "job.summary"];
    assert_eq!(kinds(&project), in_project);
    assert_eq!(kinds(&user), ["job.summary", "job.summary"]);
    for (own, copy) in own[2..].iter().zip(&project[1..]) {
        assert_eq!((&own.body, own.trace), (&copy.body, Some([7; 16])));
        assert_eq!(own.trace, copy.trace);
    }
    assert_eq!(folded(&own), told.job);
}

fn folded(log: &[Arc<Event>]) -> Job {
    let mut job: Option<Job> = None;
    for event in log {
        let Body::Job(entry) = &event.body else { panic!("{event:?} is no entry") };
        match (&mut job, &entry.event) {
            (None, job::Event::Created(spec)) => job = Some(Job::created(spec.clone())),
            (Some(job), fact) => job.apply(fact, event.time),
            (None, fact) => panic!("the log begins with {fact:?}"),
        }
    }
    job.expect("a job")
}

pub(crate) async fn a_job_reads_the_same_after_reopening(world: World) {
    let id = "job-000001";
    world.create(spec(&world, 1)).await;
    let fence = world.lease(id, "w").await;
    world.change(id, percent(fence, 1, 10.0)).await.expect("applied");
    world.change(id, percent(fence, 2, 20.0)).await.expect("applied");
    let before = world.store.job(id).await;
    let world = world.reopened();
    assert_eq!(world.store.job(id).await, before, "also what is not yet logged");
    let stale = world.change(id, percent(fence, 2, 30.0)).await;
    assert_eq!(stale, Err(Error::Refused(Refusal::Job(job::Refusal::Duplicate { number: 2 }))));
    world.change(id, percent(fence, 3, 30.0)).await.expect("applied");
}

pub(crate) async fn an_id_that_is_taken_is_refused(world: World) {
    let created = world.create(spec(&world, 1)).await;
    let other = Spec { owner: "eve".into(), ..spec(&world, 1) };
    assert!(matches!(world.store.commit(create(other)).await, Err(Error::Refused(_))));
    let stored = world.store.job("job-000001").await.expect("read").expect("a job");
    assert_eq!(stored.record, created);
}
