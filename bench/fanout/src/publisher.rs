//! Publishes through the core, on the load's side, at the moments that were intended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use roomcast_proto::v1;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tonic::transport::{Channel, Endpoint};

use crate::tally::event;
use crate::trial::FILLER_BYTES;

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(1);
/// Events of one commit to one room: a few, as a service would gather them in a tick.
const BATCH: u64 = 1000;
/// Calls that wait for their answers.
const CALLS_MAX: usize = 512;

/// Events at a steady rate, over rooms in turn.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// When everything began: what a due moment counts from.
    pub(crate) begun: Instant,
    pub(crate) first_due: Duration,
    pub(crate) rate: f64,
    pub(crate) events: u64,
    pub(crate) rooms: u64,
    pub(crate) filler: Arc<str>,
}

impl Plan {
    /// When an event is due.
    pub(crate) fn due(&self, number: u64) -> Duration {
        self.first_due + Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// How many events are due now.
    pub(crate) fn due_now(&self) -> u64 {
        let since = self.begun.elapsed().saturating_sub(self.first_due).as_secs_f64();
        ((since * self.rate) as u64).min(self.events)
    }

    pub(crate) fn room(&self, number: u64) -> u64 {
        number % self.rooms
    }

    pub(crate) fn payload(&self, number: u64) -> String {
        event(self.due(number), &self.filler)
    }
}

/// A thread with a channel to the core.
#[derive(Debug)]
pub(crate) struct Publisher {
    plans: mpsc::SyncSender<Plan>,
    runtime: Arc<Runtime>,
    client: BroadcastServiceClient<Channel>,
    _thread: JoinHandle<anyhow::Result<()>>,
}

impl Publisher {
    pub(crate) fn start(core: SocketAddr) -> anyhow::Result<Publisher> {
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let endpoint = Endpoint::from_shared(format!("http://{core}"))?.tcp_nodelay(true);
        let client = BroadcastServiceClient::new(runtime.block_on(endpoint.connect())?);
        let (plans, receiver) = mpsc::sync_channel::<Plan>(1);
        let (runs, publishes) = (runtime.clone(), client.clone());
        let thread = std::thread::spawn(move || {
            for plan in receiver {
                runs.block_on(publish(&publishes, &plan))?;
            }
            Ok(())
        });
        Ok(Publisher { plans, runtime, client, _thread: thread })
    }

    /// The head of a room, while nothing is published.
    pub(crate) fn head(&self, room: u64) -> anyhow::Result<String> {
        let request = v1::GetTopicRequest { topic: topic(room), ..v1::GetTopicRequest::default() };
        Ok(self.runtime.block_on(self.client.clone().get_topic(request))?.into_inner().head)
    }

    /// Publishes so many events to a room at once. Answers the topic and the cursor before them.
    pub(crate) fn fill(&self, room: u64, events: u64) -> anyhow::Result<(String, String)> {
        let before = self.head(room)?;
        let plan = Plan {
            begun: Instant::now(),
            first_due: Duration::ZERO,
            rate: f64::INFINITY,
            events,
            rooms: 1,
            filler: Arc::from("x".repeat(FILLER_BYTES)),
        };
        for first in (0..events).step_by(BATCH as usize) {
            let batch = first..events.min(first + BATCH);
            let request = v1::PublishBatchRequest {
                topic: topic(room),
                events: batch.map(|number| new_event(&plan, number)).collect(),
                ..v1::PublishBatchRequest::default()
            };
            self.runtime.block_on(self.client.clone().publish_batch(request))?;
        }
        Ok((topic(room), before))
    }

    pub(crate) fn begin(&self, plan: Plan) -> anyhow::Result<()> {
        Ok(self.plans.send(plan)?)
    }
}

pub(crate) fn topic(room: u64) -> String {
    format!("room:r{room}")
}

async fn publish(client: &BroadcastServiceClient<Channel>, plan: &Plan) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    let places = Arc::new(Semaphore::new(CALLS_MAX));
    let mut next = 0;
    while next < plan.events {
        ticks.tick().await;
        let due = plan.due_now();
        while next < due {
            let batch = if plan.rooms == 1 { (due - next).min(BATCH) } else { 1 };
            let request = v1::PublishBatchRequest {
                topic: topic(plan.room(next)),
                events: (next..next + batch).map(|number| new_event(plan, number)).collect(),
                ..v1::PublishBatchRequest::default()
            };
            next += batch;
            let place = places.clone().acquire_owned().await?;
            let mut client = client.clone();
            tokio::spawn(async move {
                // What is not taken is not delivered, and counted as lost.
                let _ = client.publish_batch(request).await;
                drop(place);
            });
        }
    }
    // Waits until every call is answered.
    drop(places.acquire_many(CALLS_MAX as u32).await?);
    Ok(())
}

fn new_event(plan: &Plan, number: u64) -> v1::NewEvent {
    let data = plan.payload(number).into_bytes().into();
    let payload = v1::Payload { content_type: String::new(), data };
    v1::NewEvent { r#type: "tick".to_owned(), payload: Some(payload) }
}
