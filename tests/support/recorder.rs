//! Publishers and subscribers whose doings are recorded for the checker.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use roomcast_proto::v1::watch_topic_response::Frame;
use roomcast_proto::v1::{GetTopicRequest, NewEvent, Payload, PublishRequest, WatchTopicRequest};
use tokio_util::sync::CancellationToken;

use super::grpc::Broadcast;
use super::log_reader::{content, read_log};
use super::worker::is_outage;
use crate::checker::{Entry, History, Outcome, Publish, Stream};

/// Between two tries while the core is away.
const AGAIN_AFTER: Duration = Duration::from_millis(10);
/// Every so many publishes one is given up when its outcome is unknown, as a real publisher may.
const GIVES_UP_EVERY: u64 = 7;

/// Collects a run.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    began: Instant,
    history: Arc<Mutex<History>>,
}

impl Recorder {
    pub(crate) fn new() -> Recorder {
        Recorder { began: Instant::now(), history: Arc::default() }
    }

    pub(crate) fn now(&self) -> u64 {
        self.moment(Instant::now())
    }

    /// A moment on the recorder's clock.
    pub(crate) fn moment(&self, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.began);
        u64::try_from(passed.as_nanos()).expect("a run of less than 584 years")
    }

    pub(crate) fn published(&self, publish: Publish) {
        self.history.lock().expect("no panic while recording").publishes.push(publish);
    }

    pub(crate) fn streamed(&self, stream: Stream) {
        self.history.lock().expect("no panic while recording").streams.push(stream);
    }

    /// How many publishes were acknowledged so far.
    pub(crate) fn acked(&self) -> usize {
        let history = self.history.lock().expect("no panic while recording");
        let is_acked = |publish: &&Publish| matches!(publish.outcome, Outcome::Acked { .. });
        history.publishes.iter().filter(is_acked).count()
    }

    /// What was recorded so far, without any log.
    pub(crate) fn history(&self) -> History {
        self.history.lock().expect("no panic while recording").clone()
    }

    /// The history, with these topics' logs as they are at the end.
    pub(crate) async fn finish(&self, broadcast: &Broadcast, topics: &[String]) -> History {
        let mut history = self.history();
        for topic in topics {
            history.logs.insert(topic.clone(), read_log(broadcast, topic).await);
        }
        history
    }
}

/// Publishes one event after the other until told to end. What has an unknown outcome is tried again
/// with its idempotency key, but for a few that are given up.
pub(crate) async fn publisher(
    recorder: Recorder,
    broadcast: Broadcast,
    (topic, who): (String, String),
    end: CancellationToken,
) {
    for number in 0_u64.. {
        if end.is_cancelled() {
            return;
        }
        let content = format!(r#"{{"by":"{who}","number":{number}}}"#);
        let request = publish_request(&topic, &content, &format!("{who}-{number}"));
        let started_at = recorder.now();
        let gives_up = number % GIVES_UP_EVERY == 0;
        let outcome = loop {
            match broadcast.clone().publish(request.clone()).await {
                Ok(answer) => {
                    let event = answer.into_inner().published.expect("a published event");
                    let (offset, cursor) = (event.offset, event.cursor);
                    break Outcome::Acked { at: recorder.now(), offset, cursor };
                }
                Err(status) => {
                    assert!(is_outage(&status), "{status:?}");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
            if gives_up || end.is_cancelled() {
                break Outcome::Unknown;
            }
        };
        recorder.published(Publish { topic: topic.clone(), content, started_at, outcome });
    }
}

pub(crate) fn publish_request(topic: &str, content: &str, key: &str) -> PublishRequest {
    let payload = Payload { content_type: String::new(), data: content.as_bytes().to_vec().into() };
    PublishRequest {
        topic: topic.to_owned(),
        event: Some(NewEvent { r#type: "measured".to_owned(), payload: Some(payload) }),
        idempotency_key: key.to_owned(),
        ..PublishRequest::default()
    }
}

/// A watcher of one topic that goes on from its cursor whenever its stream breaks.
#[derive(Debug, Clone)]
pub(crate) struct Subscriber {
    stream: Arc<Mutex<Stream>>,
    reached: Arc<Mutex<String>>,
    /// When each entry came.
    arrived: Arc<Mutex<Vec<Instant>>>,
}

impl Subscriber {
    /// Watches a topic from its head.
    pub(crate) async fn spawn(broadcast: Broadcast, topic: &str, who: &str) -> Subscriber {
        let request = GetTopicRequest { topic: topic.to_owned(), ..GetTopicRequest::default() };
        let answer = broadcast.clone().get_topic(request).await.expect("the topic").into_inner();
        Subscriber::spawn_after(broadcast, topic, who, (answer.head_offset, answer.head))
    }

    /// Watches what comes after an event, given by its offset and cursor.
    pub(crate) fn spawn_after(
        broadcast: Broadcast,
        topic: &str,
        who: &str,
        (offset, cursor): (u64, String),
    ) -> Subscriber {
        let stream = Stream {
            who: who.to_owned(),
            topic: topic.to_owned(),
            after: Some(offset),
            entries: Vec::new(),
            is_complete: false,
        };
        let (stream, reached) = (Arc::new(Mutex::new(stream)), Arc::new(Mutex::new(cursor)));
        let subscriber = Subscriber { stream, reached, arrived: Arc::default() };
        let (watcher, topic) = (subscriber.clone(), topic.to_owned());
        tokio::spawn(async move {
            loop {
                watcher.watch(&broadcast, &topic).await;
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        });
        subscriber
    }

    /// Where it is.
    pub(crate) fn reached(&self) -> String {
        self.reached.lock().expect("no panic while recording").clone()
    }

    /// What it received, having been followed to the end.
    pub(crate) fn complete(&self) -> Stream {
        let stream = self.stream.lock().expect("no panic while recording").clone();
        Stream { is_complete: true, ..stream }
    }

    /// Each event that it received, and when.
    pub(crate) fn arrivals(&self) -> Vec<(String, Instant)> {
        let stream = self.stream.lock().expect("no panic while recording");
        let arrived = self.arrived.lock().expect("no panic while recording");
        let both = stream.entries.iter().zip(arrived.iter());
        let events = both.filter_map(|(entry, at)| match entry {
            Entry::Event { content, .. } => Some((content.clone(), *at)),
            Entry::Reset { .. } => None,
        });
        events.collect()
    }

    /// One stream, until it breaks.
    async fn watch(&self, broadcast: &Broadcast, topic: &str) {
        let (topic, since) = (topic.to_owned(), self.reached());
        let request = WatchTopicRequest { topic, since, ..WatchTopicRequest::default() };
        let Ok(answer) = broadcast.clone().watch_topic(request).await else { return };
        let mut frames = answer.into_inner();
        while let Ok(Some(message)) = frames.message().await {
            let (entry, cursor) = match message.frame {
                Some(Frame::Event(event)) => {
                    let (cursor, content) = (event.cursor.clone(), content(&event));
                    (Some(Entry::Event { cursor: cursor.clone(), content }), cursor)
                }
                Some(Frame::Reset(reset)) => {
                    (Some(Entry::Reset { cursor: reset.cursor.clone() }), reset.cursor)
                }
                Some(Frame::Snapshot(snapshot)) => (None, snapshot.cursor),
                Some(Frame::CaughtUp(_) | Frame::Heartbeat(_) | Frame::Closed(_)) | None => {
                    continue;
                }
            };
            if let Some(entry) = entry {
                self.stream.lock().expect("no panic while recording").entries.push(entry);
                self.arrived.lock().expect("no panic while recording").push(Instant::now());
            }
            *self.reached.lock().expect("no panic while recording") = cursor;
        }
    }
}
