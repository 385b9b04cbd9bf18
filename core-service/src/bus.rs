//! The bus: fan-out of committed events inside this process, and between the cores of a cluster. It holds
//! the last few events of every topic that somebody follows, so that followers of the head never read
//! the store. It may forget; the log may not.
//!
//! ```text
//! commit here ──────────────────────────▶ tails ─▶ followers
//!      └─▶ outgoing ─▶ redis ─▶ other cores' ─▶ tails ─▶ …
//! watch: asks the store where topics stand, seldom while redis is heard, often while it is not
//! pulse: asks it each second where the topic of rights stands, which edges rely on
//! ```

pub mod health;
mod patience;
pub mod pulse;
pub mod redis;
mod tail;
pub mod watch;

use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use roomcast_runtime::budget::Budget;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use self::patience::Holes;
use self::tail::{Stand, TAILS_BYTES_MAX, Tail};
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Body, Event, Linked};
use crate::domain::subscription::Taken;
use crate::domain::topic::Topic;

pub use self::patience::Waiting;

/// Between two looks whether tails are short of room. Meanwhile topics without any are read from the log.
const RELIEF_INTERVAL: Duration = Duration::from_secs(5);

/// The tails of all topics that are followed.
#[derive(Debug, Clone, Default)]
pub struct Bus {
    tails: Arc<Tails>,
    /// None where this process makes all commits: there are no holes to wait for.
    holes: Option<Holes>,
}

#[derive(Debug)]
struct Tails {
    by_topic: DashMap<Topic, Weak<Followed>>,
    budget: Budget,
}

impl Default for Tails {
    fn default() -> Tails {
        Tails { by_topic: DashMap::new(), budget: Budget::new(TAILS_BYTES_MAX) }
    }
}

/// The tail of a topic that is followed. It leaves the bus with whoever lets go of it last: a follower,
/// or who commits and had hold of it while the last follower went.
#[derive(Debug)]
struct Followed {
    topic: Topic,
    tail: Tail,
    tails: Arc<Tails>,
}

impl Deref for Followed {
    type Target = Tail;

    fn deref(&self) -> &Tail {
        &self.tail
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // Somebody may have begun to follow the topic anew.
        self.tails.by_topic.remove_if(&self.topic, |_, tail| tail.strong_count() == 0);
    }
}

impl Bus {
    /// A bus that hears of other cores' commits too, and what waits on it.
    #[must_use]
    pub fn shared() -> (Bus, Waiting) {
        let (holes, waiting) = patience::holes();
        (Bus { holes: Some(holes), ..Bus::default() }, waiting)
    }

    /// Hands committed events to whoever follows their topics. Never blocks for long: called on the
    /// thread that commits.
    pub(crate) fn publish(&self, events: &[Linked]) {
        for run in events.chunk_by(|one, next| one.event.topic == next.event.topic) {
            let Some(tail) = run.first().and_then(|first| self.tail(&first.event.topic)) else {
                continue;
            };
            let has_hole = tail.offer(run);
            let is_waited_for = |holes: &Holes| holes.note(Arc::downgrade(&tail));
            if has_hole && !self.holes.as_ref().is_some_and(is_waited_for) {
                tail.jump();
            }
        }
    }

    /// Whether anybody here follows a topic.
    pub(crate) fn is_followed(&self, topic: &Topic) -> bool {
        self.tail(topic).is_some()
    }

    /// Where a topic is known to stand, if it is followed.
    pub(crate) fn stand(&self, topic: &Topic) -> Option<Cursor> {
        self.tail(topic).map(|tail| tail.known())
    }

    /// The topics that are followed, and where each is known to stand.
    pub(crate) fn known(&self) -> Vec<(Topic, Cursor)> {
        // Not under the map's lock: whoever commits waits for it.
        let tails = self.tails.by_topic.iter();
        let tails: Vec<_> = tails.map(|one| (one.key().clone(), one.clone())).collect();
        let known = |(topic, tail): (Topic, Weak<Followed>)| Some((topic, tail.upgrade()?.known()));
        tails.into_iter().filter_map(known).collect()
    }

    /// Makes room among the tails once in a while, until `stop`.
    pub async fn relieve_always(self, stop: CancellationToken) {
        let run = async {
            loop {
                tokio::time::sleep(RELIEF_INTERVAL).await;
                self.relieve();
            }
        };
        stop.run_until_cancelled(run).await;
    }

    /// Where more than half of what all tails may keep is kept, each lets go of its older half.
    fn relieve(&self) {
        if !self.tails.budget.is_short() {
            return;
        }
        let tails: Vec<_> = self.tails.by_topic.iter().map(|one| one.clone()).collect();
        tails.iter().filter_map(Weak::upgrade).for_each(|tail| tail.halve());
    }

    /// Takes in where the log of a topic stands that was known to stand at `known`.
    pub(crate) fn settle(&self, topic: &Topic, known: Cursor, head: Cursor, resume: Resume) {
        if let Some(tail) = self.tail(topic) {
            tail.settle(known, head, resume);
        }
    }

    fn tail(&self, topic: &Topic) -> Option<Arc<Followed>> {
        self.tails.by_topic.get(topic).and_then(|tail| tail.upgrade())
    }

    /// Begins to follow a topic. Attach before reading the log, so that no event falls between.
    #[must_use]
    pub fn attach(&self, topic: &Topic) -> Attachment {
        let mut entry = self.tails.by_topic.entry(topic.clone()).or_default();
        let tail = entry.upgrade().unwrap_or_else(|| {
            let (topic, tails) = (topic.clone(), Arc::clone(&self.tails));
            let tail = Tail::new(&tails.budget);
            let tail = Arc::new(Followed { topic, tail, tails });
            *entry = Arc::downgrade(&tail);
            tail
        });
        drop(entry);
        let news = tail.watch();
        let rewinds = news.borrow().rewinds;
        Attachment { tail, news, rewinds }
    }

    /// Topics that are followed.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.tails.by_topic.len()
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
    tail: Arc<Followed>,
    news: Receiver<Stand>,
    rewinds: u64,
}

impl Attachment {
    /// Events after `after`, if the tail has them without a hole, and in that history.
    #[must_use]
    pub fn take(&self, after: Cursor, max: usize) -> Taken {
        self.tail.take(after, max)
    }

    /// The follower has read the log when it reached to here: the bus may not have brought as much, and if
    /// the database loses it, that is noticed all the same.
    pub fn note(&self, head: Cursor) {
        self.tail.note(head);
    }

    /// How far the log is known to reach. What comes after this was asked ends the next wait.
    pub fn head(&mut self) -> u64 {
        let Stand { head, rewinds } = *self.news.borrow();
        self.rewinds = rewinds;
        head
    }

    /// Waits until the head lies after `after`, or the log has turned out to be another one.
    pub async fn wait(&mut self, after: u64) {
        let rewinds = self.rewinds;
        let has_news = |stand: &Stand| stand.head > after || stand.rewinds != rewinds;
        // The sender lives as long as the tail that this attachment holds.
        let _ = self.news.wait_for(has_news).await;
    }

    /// Whether the log has turned out to be another one since this was asked last: a database that was
    /// restored, or whose standby took over, may have lost what followers have.
    pub fn has_rewound(&mut self) -> bool {
        let rewinds = self.news.borrow().rewinds;
        std::mem::replace(&mut self.rewinds, rewinds) != rewinds
    }
}

#[cfg(test)]
mod tests;
