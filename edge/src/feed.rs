//! One subscription per topic, shared by all its readers.
//!
//! The upstream stream fills a bounded ring per topic ([`ring`]). Every reader has its own place and
//! pulls: from the ring when its place is there, else page by page from the log, until it meets the
//! ring again ([`step`]). Nothing is handed to a reader that does not follow what it had, so a lost
//! stream, a restarted core, a slow reader and an old cursor are one case: read on from the place.
//!
//! What never happens: a queue per reader, a reader that holds up the ring, an event skipped without
//! a [`Delivery::Reset`].

mod delivery;
mod glance;
mod grant;
mod lag;
mod live;
mod pace;
mod page;
mod place;
mod reader;
mod ring;
mod state;
mod step;
mod stream;
mod topic;

pub use delivery::{Closed, Delivery, Reset};
pub use live::Sink;
pub use place::Position;
pub use reader::Reader;
pub(crate) use reader::catch_up_counter;
pub use state::SharedState;

pub(crate) use glance::Guest;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lru::LruCache;
use roomcast_proto::{
    registry::Code,
    v1::{JoinRequest, JoinResponse},
};
use roomcast_runtime::budget::Budget;
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use self::{
    glance::Glances,
    grant::Grant,
    page::Pages,
    reader::Right,
    ring::RINGS_BYTES_MAX,
    state::States,
    topic::{Feed, Key},
};
use crate::{
    auth::{Caller, Hold, Rights},
    presence::{Place, Presence, Stay},
    upstream::Upstream,
};

/// A feed stays this long after its last reader: a page that is loaded again finds it there.
const LINGER: Duration = Duration::from_secs(10);

/// Topics one edge follows at most: at about 100 bytes a topic on the stream, and with what all rings may
/// hold together, this bounds the edge's memory.
const FEEDS_MAX: usize = 100_000;

/// Pages read from the log at once, so that resuming readers never crowd out live events.
const REPLAYS_MAX: usize = 16;

/// All feeds of this edge. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feeds(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    rights: Rights,
    presence: Presence,
    table: Mutex<Table>,
    /// What the rings of all feeds may hold.
    rings: Budget,
    /// Wakes the stream's driver when the table changed.
    changed: Notify,
    replays: Semaphore,
    pages: Pages,
    states: States,
    glances: Glances,
    connected: AtomicBool,
}

/// What the stream is to follow.
#[derive(Debug)]
struct Table {
    feeds: HashMap<Key, Arc<Feed>>,
    /// Feeds the driver has not seen yet.
    added: Vec<Arc<Feed>>,
    /// Those of the feeds that nobody reads, and since when; each once, however often it was left.
    idle: LruCache<Key, Instant>,
}

impl Default for Table {
    fn default() -> Self {
        let (feeds, added) = (HashMap::new(), Vec::new());
        // Of the feeds, which have a bound.
        Self { feeds, added, idle: LruCache::unbounded() }
    }
}

/// A topic joined with a user's right.
#[derive(Debug)]
pub struct Joined {
    /// The core's answer: where to begin and the snapshot, if the history was not whole.
    pub response: JoinResponse,
    /// Of a session, instead of its snapshot, where that was to be encoded.
    pub state: Option<Arc<SharedState>>,
    /// Delivers everything after `response.cursor`.
    pub reader: Reader,
}

impl Feeds {
    /// No feeds yet. [`Feeds::run`] must run for any to fill.
    #[must_use]
    pub fn new(upstream: Upstream, rights: Rights, presence: Presence) -> Self {
        Self(Arc::new(Shared {
            upstream,
            rights,
            presence,
            table: Mutex::default(),
            rings: Budget::new(RINGS_BYTES_MAX),
            changed: Notify::new(),
            replays: Semaphore::new(REPLAYS_MAX),
            pages: Pages::default(),
            states: States::new(),
            glances: Glances::default(),
            connected: AtomicBool::new(false),
        }))
    }

    /// Keeps the upstream stream and fills the feeds until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        stream::run(&self, &shutdown).await;
    }

    /// Whether the upstream stream stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Relaxed)
    }

    /// Topics followed, lingering ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().feeds.len()
    }

    /// Whether no topic is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks the core for the caller's right to a topic, and opens a reader there. `since` is the cursor
    /// of the last event the caller has.
    ///
    /// # Errors
    /// The core's refusal, or `too_many_subscriptions`.
    pub async fn join(
        &self,
        caller: Caller,
        topic: &str,
        since: Option<&str>,
    ) -> Result<Joined, Status> {
        let request = JoinRequest {
            topic: topic.to_owned(),
            since: since.unwrap_or_default().to_owned(),
            tenant: String::new(),
        };
        let hold = self.0.rights.hold(&caller.session, Some(topic));
        let asked_at = Instant::now();
        let response =
            self.0.upstream.broadcast().join(caller.request(request)).await?.into_inner();
        let hold = hold.named(&response.topic);
        let reader = self.begin((caller, hold), &response, asked_at)?;
        Ok(Joined { response, state: None, reader })
    }

    /// A reader where the core's answer says, which was asked for at that moment.
    fn begin(
        &self,
        (caller, hold): (Caller, Hold),
        response: &JoinResponse,
        asked_at: Instant,
    ) -> Result<Reader, Status> {
        let feed = self.open(response)?;
        let stay = self.enter(&caller, response);
        let grant = Grant::new(response.grant.as_ref(), caller.session.expires_at(), asked_at);
        let right = Right { caller, hold, grant, _stay: stay };
        Ok(Reader::new(self.clone(), feed, right, &response.cursor))
    }

    /// The user is in the topic, where it is told who is.
    fn enter(&self, caller: &Caller, response: &JoinResponse) -> Option<Stay> {
        let user_id = caller.session.subject();
        if !response.tells_presence || user_id.is_empty() {
            return None;
        }
        self.0.presence.enter(Place {
            tenant: response.tenant.as_str().into(),
            topic: response.topic.as_str().into(),
            user_id: user_id.into(),
        })
    }

    fn open(&self, response: &JoinResponse) -> Result<Arc<Feed>, Status> {
        let key = Key { tenant: response.tenant.clone(), topic: response.topic.clone() };
        let mut table = self.table();
        if let Some(feed) = table.feeds.get(&key).cloned() {
            feed.add_reader();
            table.idle.pop(&key);
            return Ok(feed);
        }
        if table.feeds.len() >= FEEDS_MAX {
            return Err(Code::TooManySubscriptions.status("this edge follows no more topics"));
        }
        // From the head: a reader that begins earlier reads the log up to here by itself.
        let feed = Arc::new(Feed::new(key.clone(), &response.head, &self.0.rings));
        feed.add_reader();
        table.feeds.insert(key, Arc::clone(&feed));
        table.added.push(Arc::clone(&feed));
        metrics::gauge!("roomcast_edge_feeds").set(crate::gauge(table.feeds.len()));
        drop(table);
        self.0.changed.notify_one();
        Ok(feed)
    }

    /// A reader has gone; the feed of the last one lingers.
    fn release(&self, feed: &Feed) {
        let mut table = self.table();
        if feed.remove_reader() == 0 && table.has(feed) {
            table.idle.put(feed.key.clone(), Instant::now());
        }
    }

    /// Takes out the feeds that nobody came back for.
    fn expire(&self, now: Instant) -> Vec<Arc<Feed>> {
        self.0.pages.prune(now);
        self.0.states.prune(now);
        self.0.glances.prune(now);
        let mut table = self.table();
        let mut expired = Vec::new();
        while let Some((_, since)) = table.idle.peek_lru()
            && now.duration_since(*since) >= LINGER
        {
            let Some((key, _)) = table.idle.pop_lru() else { break };
            expired.extend(table.feeds.remove(&key));
        }
        metrics::gauge!("roomcast_edge_feeds").set(crate::gauge(table.feeds.len()));
        expired
    }

    /// Where more than half of what all rings may hold is held, each lets go of its older half.
    fn relieve(&self) {
        if !self.0.rings.is_short() {
            return;
        }
        let feeds: Vec<_> = self.table().feeds.values().cloned().collect();
        feeds.iter().for_each(|feed| feed.state().ring.halve());
    }

    fn knows(&self, feed: &Feed) -> bool {
        self.table().has(feed)
    }

    /// A feed that is over is no longer found by the next who joins.
    fn forget(&self, feed: &Feed) {
        let mut table = self.table();
        if table.has(feed) {
            table.feeds.remove(&feed.key);
            table.idle.pop(&feed.key);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Whether it is this feed that is found under its key.
    fn has(&self, feed: &Feed) -> bool {
        self.feeds.get(&feed.key).is_some_and(|known| std::ptr::eq(&raw const **known, feed))
    }
}

#[cfg(test)]
mod tests;
