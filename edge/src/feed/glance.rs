//! Rooms that are entered by many at once, such as the dashboard's by everybody who connects: the right to
//! them was given together with the right to come in, so what is left to ask is where a room stands.
//! That is asked once for all who come at about the same time, in the edge's own name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prost_types::Timestamp;
use roomcast_proto::v1::{self, JoinRequest, JoinResponse, join_response::Snapshot};
use tokio::{sync::OnceCell, time::Instant};
use tonic::Status;

use super::{Feeds, Reader, Shared, topic::Key};
use crate::{
    auth::{Caller, Hold},
    names::Encoded,
};

/// Who enters is told what a room held at most this long ago; what came since follows like anything new.
const KEEP: Duration = Duration::from_secs(1);

/// A user who enters a room with a right that was given already.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) caller: Caller,
    /// Held since the right was given, or before.
    pub(crate) hold: Hold,
    /// Full name of the room.
    pub(crate) topic: String,
    /// The cursor of the last event that the user has, if any.
    pub(crate) since: Option<String>,
    /// When the right was asked for.
    pub(crate) asked_at: Instant,
    /// It is to be asked for again before.
    pub(crate) until: Option<Timestamp>,
}

/// A room as it stood a moment ago.
#[derive(Debug)]
pub(crate) struct Glance {
    response: JoinResponse,
    values: Vec<Arc<Encoded>>,
}

/// The rooms that were looked at a moment ago.
#[derive(Debug, Default)]
pub(super) struct Glances(Mutex<HashMap<Key, Recent>>);

#[derive(Debug)]
struct Recent {
    at: Instant,
    glance: Arc<OnceCell<Arc<Glance>>>,
}

impl Feeds {
    /// Where the room stands that is visited.
    ///
    /// # Errors
    /// When the core does not answer.
    pub(crate) async fn glance(&self, guest: &Guest) -> Result<Arc<Glance>, Status> {
        let tenant = guest.caller.session.tenant().to_owned();
        self.0.glances.of(&self.0, Key { tenant, topic: guest.topic.clone() }).await
    }

    /// Opens a reader where the guest was, or else where the room stands: then its last values are to
    /// be told first.
    ///
    /// # Errors
    /// `too_many_subscriptions`.
    pub(crate) fn visit(&self, guest: Guest, glance: &Glance) -> Result<Reader, Status> {
        let Guest { caller, hold, topic, since, asked_at, until } = guest;
        let response = JoinResponse {
            topic,
            tenant: glance.response.tenant.clone(),
            cursor: since.unwrap_or_else(|| glance.cursor().to_owned()),
            head: glance.response.head.clone(),
            tells_presence: glance.response.tells_presence,
            grant: Some(v1::Grant { expire_time: until, ..v1::Grant::default() }),
            ..JoinResponse::default()
        };
        self.begin((caller, hold), &response, asked_at)
    }
}

impl Glance {
    /// What follows comes after this.
    pub(crate) fn cursor(&self) -> &str {
        &self.response.cursor
    }

    /// The last event of each type, oldest first, where the room is to tell them.
    pub(crate) fn values(&self) -> &[Arc<Encoded>] {
        &self.values
    }
}

impl From<JoinResponse> for Glance {
    fn from(mut response: JoinResponse) -> Self {
        let values = match response.snapshot.take() {
            Some(Snapshot::LastValues(values)) if response.tells_last => values.events,
            Some(_) | None => Vec::new(),
        };
        let mut values: Vec<_> = values.iter().map(|event| Arc::new(Encoded::new(event))).collect();
        values.sort_unstable_by_key(|event| event.offset());
        Self { response, values }
    }
}

impl Glances {
    async fn of(&self, shared: &Shared, key: Key) -> Result<Arc<Glance>, Status> {
        let cell = self.cell(&key, Instant::now());
        cell.get_or_try_init(|| look(shared, key)).await.cloned()
    }

    pub(super) fn cell(&self, key: &Key, now: Instant) -> Arc<OnceCell<Arc<Glance>>> {
        self.prune(now);
        let mut recent = self.lock();
        if let Some(known) = recent.get(key) {
            return Arc::clone(&known.glance);
        }
        let glance = Arc::default();
        recent.insert(key.clone(), Recent { at: now, glance: Arc::clone(&glance) });
        glance
    }

    /// Lets go of what is too old to be told.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|_, recent| now.duration_since(recent.at) < KEEP);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Recent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(shared: &Shared, key: Key) -> Result<Arc<Glance>, Status> {
    metrics::counter!("roomcast_edge_glances_total").increment(1);
    let Key { topic, tenant } = key;
    let request = JoinRequest { topic, tenant, since: String::new() };
    let answer = shared.upstream.broadcast().join(Caller::edge().request(request)).await?;
    Ok(Arc::new(Glance::from(answer.into_inner())))
}
