//! A publisher that is told how much, and whose publishes are recorded for the checker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roomcast_proto::v1::{GetTopicRequest, NewEvent, Payload, PublishBatchRequest, Published};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::grpc::Broadcast;
use super::log_reader::delivered;
use super::recorder::Recorder;
use crate::checker::{Outcome, Publish};

/// Events of one commit of a burst, and their bytes: what the contract allows.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 1 << 20;
/// With it an event is of the usual size.
const FILLER_BYTES: usize = 64;
/// What an event has beside its filler, at most.
const FRAME_BYTES: usize = 64;

/// Writes to one topic. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    recorder: Recorder,
    broadcast: Broadcast,
    topic: String,
    /// Carried by every event besides its number.
    filler: Arc<str>,
    number: Arc<AtomicU64>,
}

impl Author {
    pub(crate) fn new(recorder: &Recorder, broadcast: Broadcast, topic: &str) -> Author {
        Author {
            recorder: recorder.clone(),
            broadcast,
            topic: topic.to_owned(),
            filler: "x".repeat(FILLER_BYTES).into(),
            number: Arc::default(),
        }
    }

    /// One whose events are of another size.
    pub(crate) fn of_size(self, bytes: usize) -> Author {
        Author { filler: "x".repeat(bytes).into(), ..self }
    }

    /// The offset and cursor of the topic's last event.
    pub(crate) async fn head(&self) -> (u64, String) {
        let request = GetTopicRequest { topic: self.topic.clone(), ..GetTopicRequest::default() };
        let topic =
            self.broadcast.clone().get_topic(request).await.expect("the topic").into_inner();
        (topic.head_offset, topic.head)
    }

    /// So many events, as fast as they are taken. Answers the cursor of the last.
    pub(crate) async fn burst(&self, events: usize) -> String {
        let mut last = String::new();
        let mut left = events;
        while left > 0 {
            let batch = left.min(BATCH).min(BATCH_BYTES / (self.filler.len() + FRAME_BYTES));
            last = self.publish(batch).await;
            left -= batch;
        }
        last
    }

    /// One event after the other at a steady pace, until told to end. Answers the longest wait for one
    /// of them to be durable: nobody can have had data sooner.
    pub(crate) async fn steadily(self, pace: Duration, end: CancellationToken) -> Duration {
        let mut ticks = tokio::time::interval(pace);
        let mut longest = Duration::ZERO;
        while !end.is_cancelled() {
            ticks.tick().await;
            let began = Instant::now();
            self.publish(1).await;
            longest = longest.max(began.elapsed());
        }
        longest
    }

    fn payload(&self, number: u64) -> Value {
        json!({ "filler": &*self.filler, "number": number })
    }

    async fn publish(&self, count: usize) -> String {
        let first = self.number.fetch_add(count as u64, Ordering::Relaxed);
        let payloads: Vec<Value> =
            (first..first + count as u64).map(|number| self.payload(number)).collect();
        let request = PublishBatchRequest {
            topic: self.topic.clone(),
            events: payloads.iter().map(new_event).collect(),
            ..PublishBatchRequest::default()
        };
        let started_at = self.recorder.now();
        let answer = self.broadcast.clone().publish_batch(request).await.expect("a publish");
        let at = self.recorder.now();
        let published = answer.into_inner().published;
        assert_eq!(published.len(), count);
        let mut last = String::new();
        for (payload, Published { offset, cursor, .. }) in payloads.iter().zip(published) {
            last.clone_from(&cursor);
            let outcome = Outcome::Acked { at, offset, cursor };
            let (topic, content) = (self.topic.clone(), delivered("measured", payload));
            self.recorder.published(Publish { topic, content, started_at, outcome });
        }
        last
    }
}

fn new_event(payload: &Value) -> NewEvent {
    let data = payload.to_string().into_bytes().into();
    let payload = Payload { content_type: String::new(), data };
    NewEvent { r#type: "measured".to_owned(), payload: Some(payload) }
}
