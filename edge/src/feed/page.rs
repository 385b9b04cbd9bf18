//! Pages of the log, read once for all readers that want the same one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use roomcast_proto::v1::{ListEventsRequest, ListEventsResponse};
use roomcast_runtime::budget::{Budget, Share};
use tokio::{sync::OnceCell, time::Instant};
use tonic::Status;

use super::{Shared, place::Place, topic::Key};
use crate::{auth::Caller, names::Encoded};

/// Events of one page: core and edge read, encode and hand over one in some 200 µs at a time, which is what
/// live events wait for it.
const PAGE_EVENTS: i32 = 200;

/// A page is kept this long for the readers that come to the same place: after an edge restarts, all of a
/// topic's readers do.
const KEEP: Duration = Duration::from_secs(2);
/// Bytes of events kept for one topic. Where all readers of a busy topic are behind, each at a place of its
/// own, a page that is let go of too soon is read anew for every one of them, and they never come to the head.
const BYTES_MAX: usize = 8 << 20;
/// Bytes of events kept for all topics: after an edge restarts, the readers of each come within seconds. Pages of
/// a topic that finds no room serve those alone who wait for them.
const ALL_BYTES_MAX: usize = 128 << 20;
/// Pages kept for one topic: each is looked at by whoever asks.
const PAGES_MAX: usize = 256;

/// What follows a cursor in the log.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) events: Vec<Arc<Encoded>>,
    /// The cursor could not be followed.
    pub(super) is_reset: bool,
}

impl From<ListEventsResponse> for Page {
    fn from(response: ListEventsResponse) -> Self {
        Self {
            events: response.events.iter().map(|event| Arc::new(Encoded::new(event))).collect(),
            is_reset: response.reset.is_some(),
        }
    }
}

impl Page {
    fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.size()).sum()
    }

    /// Told without a search.
    fn may_hold(&self, place: &Place) -> bool {
        let Some(first) = self.events.first() else { return false };
        let reach = self.events.len() as u64;
        place.offset().is_none_or(|offset| {
            offset.checked_sub(first.offset()).is_some_and(|behind| behind < reach)
        })
    }

    /// Where the event stands after which a place is.
    fn position(&self, place: &Place) -> Option<usize> {
        let at = match place.offset().zip(self.events.first()) {
            Some((offset, first)) => usize::try_from(offset.checked_sub(first.offset())?).ok()?,
            None => self.events.iter().position(|event| event.cursor() == place.cursor())?,
        };
        (self.events.get(at)?.cursor() == place.cursor()).then_some(at)
    }
}

/// The pages that somebody wanted a moment ago, by their topics.
#[derive(Debug)]
pub(super) struct Pages {
    by_topic: Mutex<HashMap<Key, VecDeque<Wanted>>>,
    budget: Budget,
}

impl Default for Pages {
    fn default() -> Self {
        Self { by_topic: Mutex::default(), budget: Budget::new(ALL_BYTES_MAX) }
    }
}

#[derive(Debug)]
struct Wanted {
    since: String,
    at: Instant,
    page: Cell,
    /// Of its events, once they are read.
    bytes: Share,
}

type Cell = Arc<OnceCell<Arc<Page>>>;

impl Pages {
    /// The page after a place: read once, however many ask, also where they ask from different places
    /// within it.
    pub(super) async fn after(
        &self,
        shared: &Shared,
        key: &Key,
        place: &Place,
    ) -> Result<Arc<Page>, Status> {
        if let Some(page) = self.within(key, place) {
            return Ok(page);
        }
        let since = place.cursor();
        let cell = self.cell(key, since, Instant::now());
        let page = cell.get_or_try_init(async || {
            let page = read(shared, key, since).await?;
            self.make_room(key, &cell, page.bytes());
            Ok(page)
        });
        let page: Result<Arc<Page>, Status> = page.await.cloned();
        let is_lasting = page.as_ref().is_ok_and(|page| !page.events.is_empty() && !page.is_reset);
        if !is_lasting {
            // The next who asks may find more.
            self.forget(key, &cell);
        }
        page
    }

    /// What follows in a page that has the event with this cursor, and others after it.
    fn within(&self, key: &Key, place: &Place) -> Option<Arc<Page>> {
        let now = Instant::now();
        let pages: Vec<_> = {
            let topics = self.lock();
            let recent = topics.get(key)?.iter().filter(|wanted| wanted.is_recent(now));
            let pages = recent.filter_map(|wanted| wanted.page.get());
            pages.filter(|page| page.may_hold(place)).cloned().collect()
        };
        // Looked through with no lock held: many may be on their way through it.
        let events = pages.iter().find_map(|page| {
            let rest = page.events.get(page.position(place)? + 1..)?;
            (!rest.is_empty()).then(|| rest.to_vec())
        })?;
        Some(Arc::new(Page { events, is_reset: false }))
    }

    /// Lets go of what nobody asked for lately.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|_, pages| {
            pages.retain(|wanted| wanted.is_recent(now));
            !pages.is_empty()
        });
    }

    fn cell(&self, key: &Key, since: &str, now: Instant) -> Cell {
        let mut topics = self.lock();
        let pages = topics.entry(key.clone()).or_default();
        pages.retain(|wanted| wanted.is_recent(now));
        if let Some(wanted) = pages.iter().find(|wanted| wanted.since == since) {
            return Arc::clone(&wanted.page);
        }
        let page = Cell::default();
        let (since, bytes) = (since.to_owned(), self.budget.share());
        pages.push_back(Wanted { since, at: now, page: Arc::clone(&page), bytes });
        page
    }

    /// A page of so many bytes was read: the oldest of its topic give way, and it too where all hold too much.
    fn make_room(&self, key: &Key, cell: &Cell, bytes: usize) {
        let mut topics = self.lock();
        let Some(pages) = topics.get_mut(key) else { return };
        if let Some(wanted) = pages.iter_mut().find(|wanted| Arc::ptr_eq(&wanted.page, cell)) {
            wanted.bytes.add(bytes);
        }
        let mut kept: usize = pages.iter().map(|wanted| wanted.bytes.bytes()).sum();
        while kept > BYTES_MAX || pages.len() > PAGES_MAX || self.budget.is_exceeded() {
            let Some(oldest) = pages.pop_front() else { break };
            kept -= oldest.bytes.bytes();
        }
    }

    fn forget(&self, key: &Key, cell: &Cell) {
        if let Some(pages) = self.lock().get_mut(key) {
            pages.retain(|wanted| !Arc::ptr_eq(&wanted.page, cell));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, VecDeque<Wanted>>> {
        self.by_topic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn is_recent(&self, now: Instant) -> bool {
        now.duration_since(self.at) < KEEP
    }
}

/// The right was checked at the join; reading is the edge's own.
async fn read(shared: &Shared, key: &Key, since: &str) -> Result<Arc<Page>, Status> {
    let _turn = shared.replays.acquire().await.map_err(|_| Status::cancelled("shutting down"))?;
    metrics::counter!("roomcast_edge_replayed_pages_total").increment(1);
    let request = ListEventsRequest {
        topic: key.topic.clone(),
        since: since.to_owned(),
        page_size: PAGE_EVENTS,
        types: Vec::new(),
        tenant: key.tenant.clone(),
        last: 0,
    };
    let response = shared.upstream.broadcast().list_events(Caller::edge().request(request)).await?;
    Ok(Arc::new(Page::from(response.into_inner())))
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::{Event, JoinResponse};

    use super::{
        super::{place::Position, tests::nowhere},
        *,
    };

    fn event(offset: u64) -> Arc<Encoded> {
        let cursor = format!("c{offset}");
        Arc::new(Encoded::new(&Event { offset, cursor, ..Event::default() }))
    }

    fn key(topic: &str) -> Key {
        Key { tenant: String::new(), topic: topic.to_owned() }
    }

    /// Four events from the first on.
    fn keep(pages: &Pages, topic: &str) {
        let page = Page { events: (1..=4).map(event).collect(), is_reset: false };
        pages.cell(&key(topic), "c0", Instant::now()).set(Arc::new(page)).unwrap();
    }

    #[tokio::test]
    async fn pages_that_nobody_wants_any_more_are_let_go_of_while_their_topic_is_read_on() {
        let feeds = nowhere();
        let response = JoinResponse { topic: "room:a".to_owned(), ..JoinResponse::default() };
        let _read = feeds.open(&response).unwrap();
        keep(&feeds.0.pages, "room:a");
        feeds.expire(Instant::now());
        assert_eq!(feeds.0.pages.lock().len(), 1);
        feeds.expire(Instant::now() + KEEP);
        assert!(feeds.0.pages.lock().is_empty());
    }

    #[test]
    fn as_many_pages_are_kept_as_there_is_room_for() {
        let pages = Pages::default();
        let key = key("room:a");
        let read = |number: usize, bytes| {
            let cell = pages.cell(&key, &format!("c{number}"), Instant::now());
            pages.make_room(&key, &cell, bytes);
            pages.lock()[&key].len()
        };
        let small = BYTES_MAX / PAGES_MAX;
        (1..=PAGES_MAX).for_each(|number| assert_eq!(read(number, small), number));
        assert_eq!(read(0, small), PAGES_MAX);
        assert_eq!(read(PAGES_MAX + 1, BYTES_MAX), 1, "however large");
    }

    #[test]
    fn pages_of_however_many_topics_take_no_more_room_than_there_is() {
        let (pages, now) = (Pages::default(), Instant::now());
        let topics = ALL_BYTES_MAX / BYTES_MAX + 1;
        for number in 0..topics {
            let key = key(&format!("room:{number}"));
            let cell = pages.cell(&key, "c0", now);
            pages.make_room(&key, &cell, BYTES_MAX);
            let is_kept = !pages.lock()[&key].is_empty();
            assert_eq!(is_kept, number + 1 < topics, "{number}");
        }
        assert_eq!(pages.budget.held(), ALL_BYTES_MAX);
        pages.prune(now + KEEP);
        assert_eq!(pages.budget.held(), 0);
    }

    #[tokio::test]
    async fn a_page_serves_those_who_come_from_within_it() {
        let pages = Pages::default();
        keep(&pages, "room:a");
        let key = key("room:a");
        let offsets = |since: &str| {
            let page = pages.within(&key, &Place::new(since, 0))?;
            Some(page.events.iter().map(|event| event.offset()).collect::<Vec<_>>())
        };
        assert_eq!(offsets("c2"), Some(vec![3, 4]));
        assert_eq!(offsets("c4"), None, "the log may have more");
        assert_eq!(offsets("c9"), None);
        let after = |cursor: &str, offset| {
            let position = Position { cursor: cursor.to_owned(), offset: Some(offset) };
            Some(pages.within(&key, &Place::after(&position, 0))?.events.len())
        };
        assert_eq!(after("c2", 2), Some(2), "found by its offset");
        assert_eq!(after("of another history", 2), None);
    }
}
