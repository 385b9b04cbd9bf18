//! Sessions as they stood a moment ago, encoded once for all who join them at about the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use roomcast_proto::{
    registry::Code,
    v1::{JoinResponse, join_response::Snapshot},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};
use tonic::Status;

use super::{Feeds, Joined, topic::Key};
use crate::{
    names::SessionState,
    upstream::{CALL_DEADLINE, Caller},
};

/// A state serves those who join within this; they read what came after it like any reader.
const KEEP: Duration = Duration::from_secs(2);
/// States that are asked for at once: each answer may hold a whole session.
const FETCHES_MAX: usize = 8;
/// A state that is no larger is held for as long as any socket takes for it: another one's slowness is no
/// reason to wait, and it is no more than what may wait for each socket anyway.
const SMALL_STATE_BYTES: usize = 512 * 1024;
/// KiB of larger states that are kept or on their way to sockets, all together: two of the largest
/// sessions. One that finds no room waits for those before it to be told.
const STATES_KIB_MAX: u32 = 256 * 1024;

#[derive(Debug)]
pub(super) struct States {
    kept: Mutex<HashMap<Key, Kept>>,
    fetches: Semaphore,
    budget: Arc<Semaphore>,
}

/// A state, which counts for as long as somebody tells it.
#[derive(Debug)]
pub struct SharedState {
    state: SessionState,
    _budget: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone)]
struct Kept {
    at: Instant,
    state: Arc<SharedState>,
}

impl SharedState {
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }
}

impl Feeds {
    /// As [`Feeds::join`], with a session's state encoded. Who joins a session that others joined a
    /// moment ago is told their state and follows it from there: the core is asked for the right alone.
    ///
    /// # Errors
    /// As [`Feeds::join`], or `overloaded`.
    pub(crate) async fn join_encoded(
        &self,
        caller: Caller,
        topic: &str,
        since: Option<&str>,
    ) -> Result<Joined, Status> {
        if since.is_some() || !topic.starts_with("session:") {
            let joined = self.join(caller, topic, since).await?;
            return self.encoded(joined).await;
        }
        let key = Key { tenant: caller.session.tenant().to_owned(), topic: topic.to_owned() };
        if let Some(state) = self.0.states.kept(&key) {
            return self.join_after(caller, topic, state).await;
        }
        let _turn = self.0.states.turn().await;
        match self.0.states.kept(&key) {
            Some(state) => self.join_after(caller, topic, state).await,
            None => self.encoded(self.join(caller, topic, None).await?).await,
        }
    }

    /// Joins a session where this state stands.
    async fn join_after(
        &self,
        caller: Caller,
        topic: &str,
        state: Arc<SharedState>,
    ) -> Result<Joined, Status> {
        let mut joined = self.join(caller, topic, Some(state.state().cursor())).await?;
        // Nobody was told a cursor that could be lost.
        joined.response.reset = None;
        if std::mem::take(&mut joined.response.resumed) {
            told("kept");
            return Ok(Joined { state: Some(state), ..joined });
        }
        self.encoded(joined).await
    }

    async fn encoded(&self, mut joined: Joined) -> Result<Joined, Status> {
        joined.state = self.encode_state(&mut joined.response).await?;
        Ok(joined)
    }

    /// Takes the session out of an answer and encodes it, unless that was done for this cursor.
    pub(crate) async fn encode_state(
        &self,
        response: &mut JoinResponse,
    ) -> Result<Option<Arc<SharedState>>, Status> {
        self.0.states.encode(response).await
    }
}

/// Counts a session's state by where it came from.
fn told(source: &'static str) {
    metrics::counter!("roomcast_edge_session_states_total", "source" => source).increment(1);
}

impl States {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            fetches: Semaphore::new(FETCHES_MAX),
            budget: Arc::new(Semaphore::new(STATES_KIB_MAX as usize)),
        }
    }

    /// The state that was kept a moment ago.
    fn kept(&self, key: &Key) -> Option<Arc<SharedState>> {
        self.prune(Instant::now());
        Some(Arc::clone(&self.lock().get(key)?.state))
    }

    /// Whose turn it is to ask for a state that is not kept.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.fetches.acquire().await.ok()
    }

    async fn encode(
        &self,
        response: &mut JoinResponse,
    ) -> Result<Option<Arc<SharedState>>, Status> {
        let snapshot = match response.snapshot.take() {
            Some(Snapshot::Session(snapshot)) => snapshot,
            other => {
                response.snapshot = other;
                return Ok(None);
            }
        };
        told("core");
        let key = Key { tenant: response.tenant.clone(), topic: response.topic.clone() };
        if let Some(state) = self.kept(&key).filter(|kept| kept.state.cursor() == response.cursor) {
            return Ok(Some(state));
        }
        let (topic, cursor) = (response.topic.clone(), response.cursor.clone());
        // A large one takes longer than others may wait for this thread.
        let encode = move || SessionState::new(&topic, &cursor, &snapshot);
        let state = tokio::task::spawn_blocking(encode).await;
        let state = state.map_err(|_| Code::Internal.status("the session could not be encoded"))?;
        let budget = self.hold(state.size()).await?;
        let state = Arc::new(SharedState { state, _budget: budget });
        self.lock().insert(key, Kept { at: Instant::now(), state: Arc::clone(&state) });
        Ok(Some(state))
    }

    /// Waits until a state of this size may be held.
    async fn hold(&self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if bytes <= SMALL_STATE_BYTES {
            return Ok(None);
        }
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(STATES_KIB_MAX);
        let held = timeout(CALL_DEADLINE, Arc::clone(&self.budget).acquire_many_owned(kib)).await;
        match held {
            Ok(Ok(held)) => Ok(Some(held)),
            Ok(Err(_)) | Err(_) => {
                let message = "too many large sessions are being joined here";
                Err(Code::Overloaded.status(message))
            }
        }
    }

    /// Lets go of what was kept long enough.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|_, kept| now.duration_since(kept.at) < KEEP);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
