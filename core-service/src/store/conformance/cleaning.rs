use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::World;
use super::world::{create, event, job_topic, key, percent, publish, report, room, spec};
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::job::{Command as JobCommand, OutputChunk, Report, Spec};
use crate::domain::retention::Retention;
use crate::domain::topic::Kind;
use crate::store::commit::Command;
use crate::store::{
    CleanBudget, Cleaned, JobPage, JobQuery, OutputQuery, PageLimit, Piece, TopicQuery,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn rooms_lose_what_is_too_old_too_many_or_too_large(world: World) {
    let most = Retention::of(Kind::Room).events.expect("a limit");
    let many = room("many");
    for _ in 0..(most / 1000) {
        let events = (0..1000).map(|_| event("said", "")).collect();
        world.store.commit(publish(&many, events, None)).await.expect("committed");
    }
    world.advance(Duration::from_secs(60));
    world.publish(&room("old"), &["old"]).await;
    world.advance(Duration::from_secs(60));
    world.publish(&room("old"), &["young"]).await;
    assert_eq!(world.clean().await, Cleaned::default());
    world.publish(&many, &["one", "too", "many"]).await;
    assert_eq!(world.clean().await, Cleaned { events: 3, ..Cleaned::default() });
    let position = world.store.position(&many, None).await.expect("a position");
    assert_eq!((position.floor, position.head.offset), (3, most + 3));
    world.advance(DAY - Duration::from_secs(60));
    let cleaned = world.clean().await;
    assert_eq!(cleaned.events, most - 3 + 1);
    let left = world.whole(&room("old")).await;
    assert_eq!(left.iter().map(|event| event.cursor.offset).collect::<Vec<_>>(), [2]);
    let position = world.store.position(&many, None).await.expect("a position");
    assert_eq!((position.floor, position.head.offset), (most, most + 3));
    world.advance(DAY);
    assert_eq!(world.clean().await.events, 4);
    let position = world.store.position(&many, None).await.expect("a position");
    assert_eq!((position.floor, position.bytes), (most + 3, 0));
}

pub(crate) async fn a_replay_across_a_trim_begins_at_the_floor(world: World) {
    let topic = room("trimmed");
    let old = world.publish(&topic, &["a", "b", "c"]).await;
    world.advance(DAY);
    let new = world.publish(&topic, &["d", "e"]).await;
    world.clean().await;
    let world = world.reopened();
    for after in 0..=3 {
        let page = world.store.read(&topic, after, PageLimit::REPLAY).await.expect("a page");
        assert_eq!((page.floor, page.head), (3, new[1]));
        assert_eq!(page.events.iter().map(|e| e.cursor).collect::<Vec<_>>(), new);
    }
    let judged = |cursor| async move {
        world.store.position(&room("trimmed"), Some(cursor)).await.expect("a position").resume
    };
    assert_eq!(judged.clone()(old[0]).await, Some(Resume::Trimmed));
    assert_eq!(judged(new[0]).await, Some(Resume::Whole));
}

pub(crate) async fn an_ended_job_goes_whole_after_its_time(world: World) {
    let id = "job-000001";
    let labels = [("team".to_owned(), "red".to_owned())].into();
    let (project, input) = (Some("p".to_owned()), None);
    let spec_ = Spec { labels, project, ..spec(&world, 1) };
    let action =
        crate::store::commit::Action::CreateJob { spec: Box::new(spec_), input, taker: None };
    let creation = Command { action, idempotency: None, trace: None };
    world.store.commit(creation).await.expect("created");
    let fence = world.lease(id, "w").await;
    for number in 1..=200_u64 {
        let data = bytes::Bytes::from_static(b"line\n");
        let chunk = OutputChunk { channel: "out".into(), offset: (number - 1) * 5, data };
        let report = Report { output: vec![chunk], ..report(fence, number) };
        world.change(id, JobCommand::Report(Box::new(report))).await.expect("written");
    }
    world.finish(id, fence, 201).await;
    let head = world.store.job(id).await.expect("read").expect("a job").cursor;
    let topic = job_topic(id);
    world.advance(6 * DAY);
    world.clean().await;
    assert_eq!(world.whole(&topic).await.len() as u64, head.offset, "kept for seven days");
    world.advance(DAY);
    assert_eq!(world.clean().await.jobs, 1);
    let world = world.reopened();
    assert_eq!(world.store.job(id).await, Ok(None));
    let labels = vec![("team".into(), "red".into())];
    for labels in [Vec::new(), labels] {
        let query = JobQuery { tenant: "acme".into(), labels, limit: 9, ..JobQuery::default() };
        assert_eq!(world.store.jobs(query).await, Ok(JobPage::default()));
    }
    let (attempt, channel) = (1, "out".to_owned());
    let query = OutputQuery { job_id: id.into(), attempt, channel, from: 0, max: 99 };
    let nothing = Piece { start: 0, data: bytes::Bytes::new() };
    assert_eq!(world.store.job_output(query).await, Ok(nothing));
    let position = world.store.position(&topic, Some(head)).await.expect("a position");
    assert_eq!((position.head, position.resume), (Cursor::START, Some(Resume::Ahead)));
    let query = TopicQuery {
        tenant: "acme".into(),
        kinds: vec![Kind::Job],
        prefix: String::new(),
        after: None,
        limit: 9,
    };
    assert_eq!(world.store.topics(query).await, Ok(Vec::new()), "its topic is gone as well");
    let late = world.change(id, percent(fence, 202, 1.0)).await;
    assert!(late.is_err(), "{late:?}");
}

pub(crate) async fn expired_keys_go(world: World) {
    for n in 0..200 {
        let idempotency = key(&world, &n.to_string(), 1);
        let command = Command { idempotency, ..create(spec(&world, n)) };
        world.store.commit(command).await.expect("created");
    }
    assert_eq!(world.clean().await.keys, 0);
    world.advance(DAY);
    assert_eq!(world.clean().await.keys, 200);
}

pub(crate) async fn a_small_budget_cleans_little_and_the_rest_next_time(world: World) {
    let topic = room("large");
    for _ in 0..3 {
        let events = (0..500).map(|_| event("said", "")).collect();
        world.store.commit(publish(&topic, events, None)).await.expect("committed");
    }
    world.advance(DAY);
    let budget = CleanBudget { now: world.now(), events: 10, time: Duration::ZERO };
    let cleaned = world.store.clean(budget).await.expect("cleaned");
    assert_eq!(cleaned.events, 0, "without time for events");
    let budget = CleanBudget { time: Duration::from_secs(1), ..budget };
    for round in 1..=3 {
        let cleaned = world.store.clean(budget).await.expect("cleaned");
        assert!((1..=10).contains(&cleaned.events));
        let floor = world.store.position(&topic, None).await.expect("a position").floor;
        assert_eq!(floor, round * 10);
    }
    assert_eq!(world.clean().await.events, 1470);
    assert!(world.whole(&topic).await.is_empty());
}

pub(crate) async fn cleaning_races_with_writers_and_leaves_no_hole(world: World) {
    let topic = room("busy");
    let stop = Arc::new(AtomicBool::new(false));
    let (store, ended, written) = (Arc::clone(&world.store), Arc::clone(&stop), topic.clone());
    let writer = tokio::spawn(async move {
        while !ended.load(Ordering::Relaxed) {
            let events = vec![event("said", "x"), event("heard", "y")];
            store.commit(publish(&written, events, None)).await.expect("committed");
        }
    });
    let mut last = 0;
    for _ in 0..30 {
        world.advance(DAY);
        let budget = CleanBudget { now: world.now(), events: 100, time: Duration::from_millis(5) };
        world.store.clean(budget).await.expect("cleaned");
        let page = world.store.read(&topic, 0, PageLimit::REPLAY).await.expect("no hole");
        assert!(page.floor >= last);
        last = page.floor;
        world.store.last_values(&topic, 9).await.expect("values");
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.expect("no panic");
    assert!(last > 0, "something was cleaned");
    world.whole(&topic).await;
}
