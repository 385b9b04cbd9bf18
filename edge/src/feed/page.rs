//! Pages of the log, read once for all readers that want the same one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use roomcast_proto::v1::{ListEventsRequest, ListEventsResponse};
use tokio::{sync::OnceCell, time::Instant};
use tonic::Status;

use super::{Shared, topic::Key};
use crate::{names::Encoded, upstream::Caller};

/// Events of one page: the most the core gives.
const PAGE_EVENTS: i32 = 1000;

/// A page is kept this long for the readers that come with the same cursor: after an edge restarts,
/// all of a topic's readers do.
const KEEP: Duration = Duration::from_secs(2);
/// Pages kept for one topic, at most 1 MiB each.
const PAGES_MAX: usize = 4;

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

/// The pages of one topic that somebody wanted a moment ago.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<VecDeque<Wanted>>);

#[derive(Debug)]
struct Wanted {
    since: String,
    at: Instant,
    page: Arc<OnceCell<Arc<Page>>>,
}

impl Pages {
    /// The page after `since`: read once, however many ask.
    pub(super) async fn after(
        &self,
        shared: &Shared,
        key: &Key,
        since: &str,
    ) -> Result<Arc<Page>, Status> {
        let cell = self.cell(since, Instant::now());
        let page = cell.get_or_try_init(|| read(shared, key, since)).await.cloned();
        let is_lasting = page.as_ref().is_ok_and(|page| !page.events.is_empty() && !page.is_reset);
        if !is_lasting {
            // The next who asks may find more.
            self.lock().retain(|wanted| !Arc::ptr_eq(&wanted.page, &cell));
        }
        page
    }

    /// Lets go of what nobody asked for lately.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|wanted| now.duration_since(wanted.at) < KEEP);
    }

    fn cell(&self, since: &str, now: Instant) -> Arc<OnceCell<Arc<Page>>> {
        self.prune(now);
        let mut recent = self.lock();
        if let Some(wanted) = recent.iter().find(|wanted| wanted.since == since) {
            return Arc::clone(&wanted.page);
        }
        if recent.len() >= PAGES_MAX {
            recent.pop_front();
        }
        let page = Arc::default();
        recent.push_back(Wanted { since: since.to_owned(), at: now, page: Arc::clone(&page) });
        page
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Wanted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    };
    let response = shared.upstream.broadcast().list_events(Caller::edge().request(request)).await?;
    Ok(Arc::new(Page::from(response.into_inner())))
}
