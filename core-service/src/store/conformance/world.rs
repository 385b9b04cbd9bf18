//! A store under test, its clock, and what it tapped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Engine;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, Event, Linked, NewEvent};
use crate::domain::job::{self, Record, Report, Spec};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command, Committed, Idempotency};
use crate::store::{Error, Page, PageLimit, Store};

/// A lease long enough for any test.
pub(crate) const TTL: Duration = Duration::from_secs(15);

pub(crate) struct World {
    engine: Box<dyn Engine>,
    clock: Arc<AtomicU64>,
    tapped: Arc<Mutex<Vec<Linked>>>,
    pub(crate) store: Arc<dyn Store>,
}

impl World {
    pub(crate) fn new(engine: Box<dyn Engine>) -> World {
        World::open(engine, Arc::new(AtomicU64::new(1_700_000_000_000)))
    }

    fn open(engine: Box<dyn Engine>, clock: Arc<AtomicU64>) -> World {
        let tapped = Arc::new(Mutex::new(Vec::new()));
        let tap = Arc::clone(&tapped);
        let tap = Arc::new(move |events: &[Linked]| {
            tap.lock().expect("not poisoned").extend_from_slice(events);
        });
        let now = Arc::clone(&clock);
        let store = engine.open(Arc::new(move || Time(now.load(Ordering::SeqCst))), tap);
        World { engine, clock, tapped, store }
    }

    /// Closes the store in good order and opens it again.
    pub(crate) fn reopened(self) -> World {
        let (engine, clock) = self.closed();
        World::open(engine, clock)
    }

    /// The same after a statement in its tables: what takes too long to write through the store.
    pub(crate) fn altered(self, statement: &str) -> World {
        let (engine, clock) = self.closed();
        engine.alter(statement);
        World::open(engine, clock)
    }

    fn closed(self) -> (Box<dyn Engine>, Arc<AtomicU64>) {
        let World { engine, clock, tapped: _, store } = self;
        assert_eq!(Arc::strong_count(&store), 1, "somebody still uses the store");
        drop(store);
        (engine, clock)
    }

    /// What opens after everything stopped at this moment. This world goes on.
    pub(crate) fn crashed(&self) -> World {
        let clock = Arc::new(AtomicU64::new(self.clock.load(Ordering::SeqCst)));
        World::open(self.engine.copy(), clock)
    }

    pub(crate) fn now(&self) -> Time {
        Time(self.clock.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_millis()).expect("short"), Ordering::SeqCst);
    }

    pub(crate) fn tapped(&self) -> Vec<Arc<Event>> {
        self.links().into_iter().map(|linked| linked.event).collect()
    }

    /// What was tapped, each with the one before it.
    pub(crate) fn links(&self) -> Vec<Linked> {
        self.tapped.lock().expect("not poisoned").clone()
    }

    pub(crate) async fn publish(&self, topic: &Topic, texts: &[&str]) -> Vec<Cursor> {
        let events = texts.iter().map(|text| event("said", text)).collect();
        cursors(self.store.commit(publish(topic, events, None)).await)
    }

    pub(crate) async fn create(&self, spec: Spec) -> Arc<Record> {
        record(self.store.commit(create(spec)).await)
    }

    pub(crate) async fn change(
        &self,
        job_id: &str,
        command: job::Command,
    ) -> Result<Arc<Record>, Error> {
        let action = Action::Job { job_id: job_id.into(), command };
        let committed = self.store.commit(Command { action, idempotency: None, trace: None });
        committed.await.map(|committed| record(Ok(committed)))
    }

    /// Leases a job; answers the fence.
    pub(crate) async fn lease(&self, job_id: &str, worker: &str) -> u64 {
        let command = job::Command::Lease { worker: worker.into(), ttl: TTL };
        self.change(job_id, command).await.expect("a lease").custody.fence
    }

    pub(crate) async fn finish(&self, job_id: &str, fence: u64, number: u64) -> Arc<Record> {
        let end = Some(job::End::Completed(Some(Payload::json("{}"))));
        let report = job::Command::Report(Box::new(Report { end, ..report(fence, number) }));
        self.change(job_id, report).await.expect("finished")
    }

    /// The whole topic, read in pages, checked to be contiguous.
    pub(crate) async fn whole(&self, topic: &Topic) -> Vec<Arc<Event>> {
        let mut events: Vec<Arc<Event>> = Vec::new();
        loop {
            let after = events.last().map_or(0, |last| last.cursor.offset);
            let page = self.store.read(topic, after, PageLimit::REPLAY).await.expect("a page");
            let Page { events: more, head, floor, .. } = page;
            let first = events.first().or(more.first()).map(|event| event.cursor.offset);
            assert!(first.is_none_or(|first| first == floor + 1), "{first:?} after {floor}");
            events.extend(more);
            if events.last().is_none_or(|last| last.cursor.offset == head.offset) {
                break;
            }
        }
        for pair in events.windows(2) {
            assert_eq!(pair[0].cursor.offset + 1, pair[1].cursor.offset);
        }
        events
    }

    /// Cleans until nothing is left to clean.
    pub(crate) async fn clean(&self) -> crate::store::Cleaned {
        let mut all = crate::store::Cleaned::default();
        loop {
            let (events, time) = (2000, Duration::from_secs(9));
            let budget = crate::store::CleanBudget { now: self.now(), events, time };
            let cleaned = self.store.clean(budget).await.expect("cleaned");
            if cleaned == crate::store::Cleaned::default() {
                return all;
            }
            all.events += cleaned.events;
            all.jobs += cleaned.jobs;
            all.keys += cleaned.keys;
        }
    }
}

pub(crate) fn room(name: &str) -> Topic {
    Topic::new("acme", Kind::Room, name).expect("a topic")
}

pub(crate) fn job_topic(job_id: &str) -> Topic {
    Topic::new("acme", Kind::Job, job_id).expect("a topic")
}

pub(crate) fn event(kind: &str, text: &str) -> NewEvent {
    let text = serde_json::json!({ "text": text }).to_string();
    NewEvent { kind: kind.into(), body: Body::Payload(Payload::json(text)) }
}

/// The text that [`event`] put in.
pub(crate) fn text(event: &Event) -> String {
    let Body::Payload(payload) = &event.body else { panic!("{event:?} is no payload") };
    let value: serde_json::Value = serde_json::from_slice(&payload.data).expect("JSON");
    value["text"].as_str().expect("a text").to_owned()
}

pub(crate) fn publish(topic: &Topic, events: Vec<NewEvent>, expected: Option<u64>) -> Command {
    let action = Action::Publish { topic: topic.clone(), events, expected_offset: expected };
    Command { action, idempotency: None, trace: Some([7; 16]) }
}

pub(crate) fn create(spec: Spec) -> Command {
    let trace = spec.trace;
    let action = Action::CreateJob { spec: Box::new(spec), input: None, taker: None };
    Command { action, idempotency: None, trace }
}

/// A job of alice; `n` gives the order of creation.
pub(crate) fn spec(world: &World, n: u32) -> Spec {
    spec_at(world.now(), n)
}

pub(crate) fn spec_at(now: Time, n: u32) -> Spec {
    Spec::new(format!("job-{n:06}"), "render", ("acme", "alice"), now)
}

pub(crate) fn report(fence: u64, number: u64) -> Report {
    let (progress, usage, end) = (None, None, None);
    let (output, events) = (Vec::new(), Vec::new());
    Report { fence, number, ttl: TTL, progress, output, usage, events, end }
}

pub(crate) fn percent(fence: u64, number: u64, percent: f64) -> job::Command {
    let update = job::ProgressUpdate { percent: Some(percent), ..Default::default() };
    job::Command::Report(Box::new(Report { progress: Some(update), ..report(fence, number) }))
}

pub(crate) fn key(world: &World, key: &str, content: u8) -> Option<Idempotency> {
    let expires_at = world.now() + Duration::from_secs(24 * 3600);
    let (scope, key) = ("publish alice".to_owned(), key.to_owned());
    Some(Idempotency { scope, key, content: [content; 32], expires_at })
}

pub(crate) fn cursors(committed: Result<Committed, Error>) -> Vec<Cursor> {
    match committed.expect("committed") {
        Committed::Published { cursors, .. } => cursors,
        other @ (Committed::Job { .. } | Committed::Access { .. } | Committed::Session { .. }) => {
            panic!("{other:?} is no publishing")
        }
    }
}

pub(crate) fn record(committed: Result<Committed, Error>) -> Arc<Record> {
    match committed.expect("committed") {
        Committed::Job { record, .. } => record,
        other @ (Committed::Published { .. }
        | Committed::Access { .. }
        | Committed::Session { .. }) => panic!("{other:?} is no job"),
    }
}
