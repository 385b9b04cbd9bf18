//! The bus: fan-out of committed events inside this process. It holds the last few events of every
//! topic that somebody follows, so that followers of the head never read the store. It may forget;
//! the log may not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use dashmap::DashMap;
use tokio::sync::watch;

use crate::domain::event::{Body, Event};
use crate::domain::subscription::Taken;
use crate::domain::topic::Topic;

/// Events a tail keeps. A follower further behind reads the log.
const TAIL_EVENTS_MAX: usize = 1024;
/// Bytes of bodies a tail keeps.
const TAIL_BYTES_MAX: usize = 1 << 20;

/// The tails of all topics that are followed.
#[derive(Debug, Clone, Default)]
pub struct Bus {
    tails: Arc<DashMap<Topic, Weak<Tail>>>,
}

impl Bus {
    /// Hands committed events to whoever follows their topics. Never blocks for long: called on the
    /// thread that commits.
    pub(crate) fn publish(&self, events: &[Arc<Event>]) {
        for run in events.chunk_by(|one, next| one.topic == next.topic) {
            let Some(first) = run.first() else { continue };
            let tail = self.tails.get(&first.topic).and_then(|tail| tail.upgrade());
            if let Some(tail) = tail {
                tail.offer(run);
            }
        }
    }

    /// Begins to follow a topic. Attach before reading the log, so that no event falls between.
    #[must_use]
    pub fn attach(&self, topic: &Topic) -> Attachment {
        let mut entry = self.tails.entry(topic.clone()).or_default();
        let tail = entry.upgrade().unwrap_or_else(|| {
            let tail = Arc::new(Tail::default());
            *entry = Arc::downgrade(&tail);
            tail
        });
        drop(entry);
        let news = tail.head.subscribe();
        Attachment { bus: self.clone(), topic: topic.clone(), tail: Some(tail), news }
    }

    /// Topics that are followed.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.tails.len()
    }
}

/// The newest events of one topic, contiguous.
#[derive(Debug, Default)]
struct Tail {
    ring: Mutex<Ring>,
    head: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
}

impl Tail {
    fn offer(&self, events: &[Arc<Event>]) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            ring.push(event);
        }
        let head = ring.events.back().map_or(0, |event| event.cursor.offset);
        drop(ring);
        self.head.send_replace(head);
    }
}

impl Ring {
    fn push(&mut self, event: &Arc<Event>) {
        let next = self.events.back().map(|last| last.cursor.offset + 1);
        match next {
            Some(next) if event.cursor.offset < next => return,
            // A hole: followers find themselves behind and read the log.
            Some(next) if event.cursor.offset > next => {
                self.events.clear();
                self.bytes = 0;
            }
            Some(_) | None => {}
        }
        self.bytes += weight(event);
        self.events.push_back(event.clone());
        while self.events.len() > TAIL_EVENTS_MAX || self.bytes > TAIL_BYTES_MAX {
            match self.events.pop_front() {
                Some(event) => self.bytes -= weight(&event),
                None => break,
            }
        }
    }

    fn take(&self, after: u64, max: usize) -> Taken {
        let Some((first, last)) = self.events.front().zip(self.events.back()) else {
            return Taken::Nothing;
        };
        if last.cursor.offset <= after {
            return Taken::Nothing;
        }
        if first.cursor.offset > after + 1 {
            return Taken::Behind;
        }
        let skip = usize::try_from(after + 1 - first.cursor.offset).unwrap_or(usize::MAX);
        Taken::Events(self.events.iter().skip(skip).take(max).cloned().collect())
    }
}

/// What an event counts against a bound in bytes.
pub(crate) fn weight(event: &Event) -> usize {
    /// Topic, type, cursor, small fields and the allocation itself.
    const ENVELOPE: usize = 384;
    let content = match &event.body {
        Body::Payload(payload) => payload.data.len(),
        Body::Job(entry) => entry.event.content_bytes(),
        Body::Session(event) => event.content_bytes(),
        Body::Summary(_) => 0,
    };
    ENVELOPE + content
}

/// A follower's hold on a topic's tail.
#[derive(Debug)]
pub struct Attachment {
    bus: Bus,
    topic: Topic,
    tail: Option<Arc<Tail>>,
    news: watch::Receiver<u64>,
}

impl Attachment {
    /// Events after `after`, if the tail has them without a hole.
    #[must_use]
    pub fn take(&self, after: u64, max: usize) -> Taken {
        let Some(tail) = &self.tail else { return Taken::Behind };
        tail.ring.lock().unwrap_or_else(PoisonError::into_inner).take(after, max)
    }

    /// Waits until the head lies after `after`.
    pub async fn wait(&mut self, after: u64) {
        // The sender lives as long as the tail that this attachment holds.
        let _ = self.news.wait_for(|head| *head > after).await;
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.tail = None;
        self.bus.tails.remove_if(&self.topic, |_, tail| tail.strong_count() == 0);
    }
}
