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
/// KiB of larger states that are kept or on their way to sockets, all together: some of the largest
/// sessions. Who finds no room lets go of the state, and reads it anew when those before it were told.
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
    _room: Option<Room>,
}

/// Why a session's state was not encoded.
#[derive(Debug)]
pub(super) enum Unencoded {
    /// There must be room for so many KiB first.
    Full {
        kib: u32,
    },
    Failed(Status),
}

impl From<Status> for Unencoded {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl From<Unencoded> for Status {
    fn from(unencoded: Unencoded) -> Self {
        match unencoded {
            Unencoded::Full { .. } => overloaded(),
            Unencoded::Failed(status) => status,
        }
    }
}

/// Room for a state.
type Room = OwnedSemaphorePermit;

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
        let mut room = None;
        loop {
            // Whoever waits for room holds neither a state nor a turn meanwhile.
            match self.join_with(caller.clone(), (topic, since), room).await {
                Ok(joined) => return Ok(joined),
                Err(Unencoded::Full { kib }) => room = Some(self.0.states.room(kib).await?),
                Err(Unencoded::Failed(status)) => return Err(status),
            }
        }
    }

    async fn join_with(
        &self,
        caller: Caller,
        (topic, since): (&str, Option<&str>),
        room: Option<Room>,
    ) -> Result<Joined, Unencoded> {
        if since.is_some() || !topic.starts_with("session:") {
            let joined = self.join(caller, topic, since).await?;
            return self.encoded(joined, room).await;
        }
        let key = Key { tenant: caller.session.tenant().to_owned(), topic: topic.to_owned() };
        if let Some(state) = self.0.states.kept(&key) {
            return self.join_after(caller, topic, (state, room)).await;
        }
        let _turn = self.0.states.turn().await;
        match self.0.states.kept(&key) {
            Some(state) => self.join_after(caller, topic, (state, room)).await,
            None => self.encoded(self.join(caller, topic, None).await?, room).await,
        }
    }

    /// Joins a session where this state stands.
    async fn join_after(
        &self,
        caller: Caller,
        topic: &str,
        (state, room): (Arc<SharedState>, Option<Room>),
    ) -> Result<Joined, Unencoded> {
        let mut joined = self.join(caller, topic, Some(state.state().cursor())).await?;
        // Nobody was told a cursor that could be lost.
        joined.response.reset = None;
        if std::mem::take(&mut joined.response.resumed) {
            told("kept");
            return Ok(Joined { state: Some(state), ..joined });
        }
        self.encoded(joined, room).await
    }

    async fn encoded(&self, mut joined: Joined, room: Option<Room>) -> Result<Joined, Unencoded> {
        joined.state = self.0.states.encode(&mut joined.response, room).await?;
        Ok(joined)
    }

    /// Takes the session out of an answer and encodes it, unless that was done for this cursor.
    pub(super) async fn encode_state(
        &self,
        response: &mut JoinResponse,
    ) -> Result<Option<Arc<SharedState>>, Status> {
        Ok(self.0.states.encode(response, None).await?)
    }
}

/// Counts a session's state by where it came from.
fn told(source: &'static str) {
    metrics::counter!("roomcast_edge_session_states_total", "source" => source).increment(1);
}

fn overloaded() -> Status {
    Code::Overloaded.status("too many large sessions are being joined here")
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
        room: Option<Room>,
    ) -> Result<Option<Arc<SharedState>>, Unencoded> {
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
        let room = self.hold(state.size(), room)?;
        let state = Arc::new(SharedState { state, _room: room });
        self.lock().insert(key, Kept { at: Instant::now(), state: Arc::clone(&state) });
        Ok(Some(state))
    }

    /// Room for a state of this size: what was waited for, if it is enough, or what is left.
    fn hold(&self, bytes: usize, waited_for: Option<Room>) -> Result<Option<Room>, Unencoded> {
        if bytes <= SMALL_STATE_BYTES {
            return Ok(None);
        }
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(STATES_KIB_MAX);
        if let Some(room) = waited_for.filter(|room| room.num_permits() >= kib as usize) {
            return Ok(Some(room));
        }
        let room = Arc::clone(&self.budget).try_acquire_many_owned(kib);
        room.map(Some).map_err(|_| Unencoded::Full { kib })
    }

    /// Waits until there is room for a state.
    async fn room(&self, kib: u32) -> Result<Room, Status> {
        let room = Arc::clone(&self.budget).acquire_many_owned(kib);
        timeout(CALL_DEADLINE, room).await.ok().and_then(Result::ok).ok_or_else(overloaded)
    }

    /// Lets go of what was kept long enough.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|_, kept| now.duration_since(kept.at) < KEEP);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1;

    use super::*;

    const ALL: usize = STATES_KIB_MAX as usize;

    /// A session with a text of this length.
    fn session(id: &str, text: usize) -> JoinResponse {
        let name = "x".repeat(text);
        let nodes = vec![v1::Node { name, ..v1::Node::default() }];
        let graphs = vec![v1::Graph { nodes, ..v1::Graph::default() }];
        let session = Some(v1::Session { session_id: id.to_owned(), ..v1::Session::default() });
        let snapshot = v1::SessionSnapshot { session, graphs, ..v1::SessionSnapshot::default() };
        JoinResponse {
            topic: format!("session:{id}"),
            snapshot: Some(Snapshot::Session(snapshot)),
            ..JoinResponse::default()
        }
    }

    #[tokio::test]
    async fn a_large_state_is_not_held_before_there_is_room_and_counts_until_it_was_told() {
        let states = States::new();
        let others = states.room(STATES_KIB_MAX).await.unwrap();
        let large = || session("large", 3 * SMALL_STATE_BYTES);
        let Err(Unencoded::Full { kib }) = states.encode(&mut large(), None).await else {
            panic!("there is no room")
        };
        let key = |id: &str| Key { tenant: String::new(), topic: format!("session:{id}") };
        assert!(states.kept(&key("large")).is_none());
        assert!(states.encode(&mut session("small", 10), None).await.unwrap().is_some());

        let (room, ()) = tokio::join!(states.room(kib), async { drop(others) });
        let state = states.encode(&mut large(), Some(room.unwrap())).await.unwrap().unwrap();
        assert!(state.state().size() <= kib as usize * 1024 + 1024);
        assert_eq!(states.budget.available_permits(), ALL - kib as usize);
        states.prune(Instant::now() + KEEP);
        assert!(states.kept(&key("large")).is_none());
        assert_eq!(states.budget.available_permits(), ALL - kib as usize, "it is being told");
        drop(state);
        assert_eq!(states.budget.available_permits(), ALL);
    }
}
