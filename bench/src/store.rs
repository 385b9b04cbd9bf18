//! The store in process: what publishers and workers ask of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roomcast_core::domain::event::{Body, NewEvent};
use roomcast_core::domain::job::{self, OutputChunk, Report, Spec};
use roomcast_core::domain::payload::Payload;
use roomcast_core::domain::topic::{Kind, Topic};
use roomcast_core::log::now;
use roomcast_core::store::Store;
use roomcast_core::store::commit::{Action, Command};
use roomcast_core::store::sqlite::{SqliteConfig, SqliteStore};
use tokio::sync::Mutex;

use crate::body::BODY;
use crate::load::Operation;

const TOPICS: usize = 1000;
/// More have nothing of their own.
const PUBLISHERS_MAX: usize = 1024;
/// One for each of as many publishers.
const RUNNING_MAX: usize = PUBLISHERS_MAX;
/// A lease that no case outlives.
const TTL: Duration = Duration::from_secs(3600);

/// A store that nobody listens to.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Arc<SqliteStore>> {
    let config = SqliteConfig::new(folder);
    Ok(Arc::new(SqliteStore::open(config, Arc::new(now), Arc::new(|_| {}))?))
}

/// Publishes 200 bytes to one of many rooms.
pub(crate) struct Publish {
    store: Arc<dyn Store>,
    rooms: Vec<Topic>,
    /// For each publisher its own, as each request has: one for all would be a line of memory that all write.
    kinds: Vec<Arc<str>>,
}

impl Publish {
    pub(crate) fn new(store: Arc<dyn Store>) -> anyhow::Result<Publish> {
        let rooms = (0..TOPICS).map(|n| Topic::new("default", Kind::Room, &format!("room-{n}")));
        let kinds = (0..PUBLISHERS_MAX).map(|_| "tick".into()).collect();
        Ok(Publish { store, rooms: rooms.collect::<Result<_, _>>()?, kinds })
    }
}

#[async_trait::async_trait]
impl Operation for Publish {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let number = publisher.wrapping_mul(7919).wrapping_add(usize::try_from(round)?) % TOPICS;
        let topic = self.rooms[number].clone();
        let body = Body::Payload(Payload::json(Bytes::from_static(&BODY)));
        let kind = Arc::clone(&self.kinds[publisher % PUBLISHERS_MAX]);
        let events = vec![NewEvent { kind, body }];
        let action = Action::Publish { topic, events, expected_offset: None };
        self.store.commit(Command { action, idempotency: None, trace: None }).await?;
        Ok(())
    }
}

/// Running jobs, each with its fence, its last report and its bytes of output.
pub(crate) struct Jobs {
    store: Arc<SqliteStore>,
    held: Vec<Mutex<(String, u64, u64)>>,
}

impl Jobs {
    pub(crate) async fn create(store: Arc<SqliteStore>) -> anyhow::Result<Jobs> {
        let mut held = Vec::new();
        for number in 0..RUNNING_MAX {
            let job_id = format!("job-{number}");
            let action =
                Action::CreateJob { spec: Box::new(spec(&job_id)), input: None, taker: None };
            store.commit(Command { action, idempotency: None, trace: None }).await?;
            let command = job::Command::Lease { worker: "bench".into(), ttl: TTL };
            change(&store, &job_id, command).await?;
            held.push(Mutex::new((job_id, 0, 0)));
        }
        Ok(Jobs { store, held })
    }
}

fn spec(job_id: &str) -> Spec {
    Spec::new(job_id, "bench", ("default", "bench"), now())
}

async fn change(store: &SqliteStore, job_id: &str, command: job::Command) -> anyhow::Result<()> {
    let action = Action::Job { job_id: job_id.into(), command };
    store.commit(Command { action, idempotency: None, trace: None }).await?;
    Ok(())
}

#[async_trait::async_trait]
impl Operation for Jobs {
    async fn run(&self, publisher: usize, _: u64) -> anyhow::Result<()> {
        let mut held = self.held[publisher % RUNNING_MAX].lock().await;
        let (job_id, number, offset) = &mut *held;
        *number += 1;
        let chunk = OutputChunk {
            channel: "stdout".into(),
            offset: *offset,
            data: Bytes::from_static(&BODY),
        };
        *offset += BODY.len() as u64;
        let report = Report {
            fence: 1,
            number: *number,
            ttl: TTL,
            progress: None,
            output: vec![chunk],
            usage: None,
            events: Vec::new(),
            end: None,
        };
        change(&self.store, job_id, job::Command::Report(Box::new(report))).await
    }
}
