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

/// A state serves those who join within this; they read what came after it like any reader. One that there
/// was no space for is not read in vain again for as long.
const KEEP: Duration = Duration::from_secs(2);
/// States that are asked for at once: each answer may hold a whole session.
const FETCHES_MAX: usize = 8;
/// A state that is no larger is held for as long as any socket takes for it: another one's slowness is no
/// reason to wait, and it is no more than what may wait for each socket anyway.
const SMALL_STATE_BYTES: usize = 512 * 1024;
/// KiB of larger states that are kept or on their way to sockets, all together: some of the largest
/// sessions. Who finds no space lets go of the state, and reads it anew when those before it were told.
const STATES_KIB_MAX: u32 = 256 * 1024;

#[derive(Debug)]
pub(super) struct States {
    recent: Mutex<HashMap<Key, Recent>>,
    fetches: Semaphore,
    budget: Arc<Semaphore>,
}

/// A state, which counts for as long as somebody tells it.
#[derive(Debug)]
pub struct SharedState {
    state: SessionState,
    _space: Option<Space>,
}

/// Something, if there was space for the state in it.
#[derive(Debug)]
pub(super) enum Fit<T> {
    Whole(T),
    /// It was let go of: there must be so many KiB first.
    TooLarge {
        kib: u32,
    },
}

/// Space for a state.
type Space = OwnedSemaphorePermit;

#[derive(Debug)]
struct Recent {
    at: Instant,
    fit: Fit<Arc<SharedState>>,
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
        let mut space = None;
        loop {
            // Whoever waits for space holds neither a state nor a turn meanwhile.
            match self.join_within(caller.clone(), topic, since, space).await? {
                Fit::Whole(joined) => return Ok(joined),
                Fit::TooLarge { kib } => space = Some(self.0.states.space(kib).await?),
            }
        }
    }

    async fn join_within(
        &self,
        caller: Caller,
        topic: &str,
        since: Option<&str>,
        space: Option<Space>,
    ) -> Result<Fit<Joined>, Status> {
        if since.is_some() || !topic.starts_with("session:") {
            return self.encoded(self.join(caller, topic, since).await?, space).await;
        }
        let states = &self.0.states;
        let key = Key { tenant: caller.session.tenant().to_owned(), topic: topic.to_owned() };
        if let Some(state) = states.kept(&key) {
            return self.join_after(caller, topic, state, space).await;
        }
        let _turn = states.turn().await;
        if let Some(state) = states.kept(&key) {
            return self.join_after(caller, topic, state, space).await;
        }
        if let (Some(kib), None) = (states.lacks(&key), &space) {
            return Ok(Fit::TooLarge { kib });
        }
        self.encoded(self.join(caller, topic, None).await?, space).await
    }

    /// Joins a session where this state stands.
    async fn join_after(
        &self,
        caller: Caller,
        topic: &str,
        state: Arc<SharedState>,
        space: Option<Space>,
    ) -> Result<Fit<Joined>, Status> {
        let mut joined = self.join(caller, topic, Some(state.state().cursor())).await?;
        // Nobody was told a cursor that could be lost.
        joined.response.reset = None;
        if std::mem::take(&mut joined.response.resumed) {
            told("kept");
            return Ok(Fit::Whole(Joined { state: Some(state), ..joined }));
        }
        self.encoded(joined, space).await
    }

    async fn encoded(
        &self,
        mut joined: Joined,
        space: Option<Space>,
    ) -> Result<Fit<Joined>, Status> {
        Ok(match self.0.states.encode(&mut joined.response, space).await? {
            Fit::Whole(state) => Fit::Whole(Joined { state, ..joined }),
            Fit::TooLarge { kib } => Fit::TooLarge { kib },
        })
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
            recent: Mutex::default(),
            fetches: Semaphore::new(FETCHES_MAX),
            budget: Arc::new(Semaphore::new(STATES_KIB_MAX as usize)),
        }
    }

    /// The state that was kept a moment ago.
    fn kept(&self, key: &Key) -> Option<Arc<SharedState>> {
        self.prune(Instant::now());
        match &self.lock().get(key)?.fit {
            Fit::Whole(state) => Some(Arc::clone(state)),
            Fit::TooLarge { .. } => None,
        }
    }

    /// How many KiB a state had a moment ago that there was no space for, if there is none still.
    fn lacks(&self, key: &Key) -> Option<u32> {
        match self.lock().get(key)?.fit {
            Fit::TooLarge { kib } if self.budget.available_permits() < kib as usize => Some(kib),
            Fit::TooLarge { .. } | Fit::Whole(_) => None,
        }
    }

    /// Whose turn it is to ask for a state that is not kept.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.fetches.acquire().await.ok()
    }

    /// Takes the session out of an answer and encodes it, unless that was done for this cursor.
    pub(super) async fn encode(
        &self,
        response: &mut JoinResponse,
        space: Option<Space>,
    ) -> Result<Fit<Option<Arc<SharedState>>>, Status> {
        let snapshot = match response.snapshot.take() {
            Some(Snapshot::Session(snapshot)) => snapshot,
            other => {
                response.snapshot = other;
                return Ok(Fit::Whole(None));
            }
        };
        told("core");
        let key = Key { tenant: response.tenant.clone(), topic: response.topic.clone() };
        if let Some(state) = self.kept(&key).filter(|kept| kept.state.cursor() == response.cursor) {
            return Ok(Fit::Whole(Some(state)));
        }
        let (topic, cursor) = (response.topic.clone(), response.cursor.clone());
        // A large one takes longer than others may wait for this thread.
        let encode = move || SessionState::new(&topic, &cursor, &snapshot);
        let state = tokio::task::spawn_blocking(encode).await;
        let state = state.map_err(|_| Code::Internal.status("the session could not be encoded"))?;
        let at = Instant::now();
        let space = match self.hold(state.size(), space) {
            Fit::Whole(space) => space,
            Fit::TooLarge { kib } => {
                let fit = Fit::TooLarge { kib };
                self.lock().entry(key).or_insert(Recent { at, fit });
                return Ok(Fit::TooLarge { kib });
            }
        };
        let state = Arc::new(SharedState { state, _space: space });
        self.lock().insert(key, Recent { at, fit: Fit::Whole(Arc::clone(&state)) });
        Ok(Fit::Whole(Some(state)))
    }

    /// Space for a state of this size: what was waited for, if it is enough, or what is left.
    fn hold(&self, bytes: usize, waited_for: Option<Space>) -> Fit<Option<Space>> {
        if bytes <= SMALL_STATE_BYTES {
            return Fit::Whole(None);
        }
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(STATES_KIB_MAX);
        if let Some(space) = waited_for.filter(|space| space.num_permits() >= kib as usize) {
            return Fit::Whole(Some(space));
        }
        let space = Arc::clone(&self.budget).try_acquire_many_owned(kib);
        space.map_or(Fit::TooLarge { kib }, |space| Fit::Whole(Some(space)))
    }

    /// Waits until there is space for a state.
    pub(super) async fn space(&self, kib: u32) -> Result<Space, Status> {
        let space = Arc::clone(&self.budget).acquire_many_owned(kib);
        timeout(CALL_DEADLINE, space).await.ok().and_then(Result::ok).ok_or_else(overloaded)
    }

    /// Lets go of what was kept long enough.
    pub(super) fn prune(&self, now: Instant) {
        self.lock().retain(|_, recent| now.duration_since(recent.at) < KEEP);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn a_large_state_is_not_held_before_there_is_space_and_counts_until_it_was_told() {
        let states = States::new();
        let others = states.space(STATES_KIB_MAX).await.unwrap();
        let large = || session("large", 3 * SMALL_STATE_BYTES);
        let Ok(Fit::TooLarge { kib }) = states.encode(&mut large(), None).await else {
            panic!("there is no space")
        };
        let key = |id: &str| Key { tenant: String::new(), topic: format!("session:{id}") };
        assert!(states.kept(&key("large")).is_none());
        assert_eq!(states.lacks(&key("large")), Some(kib), "nobody else reads it in vain");
        let small = states.encode(&mut session("small", 10), None).await;
        assert!(matches!(small, Ok(Fit::Whole(Some(_)))));

        let (space, ()) = tokio::join!(states.space(kib), async { drop(others) });
        assert_eq!(states.lacks(&key("large")), None);
        let encoded = states.encode(&mut large(), Some(space.unwrap())).await;
        let Ok(Fit::Whole(Some(state))) = encoded else { panic!("there is space") };
        assert!(state.state().size() <= kib as usize * 1024 + 1024);
        assert_eq!(states.budget.available_permits(), ALL - kib as usize);
        states.prune(Instant::now() + KEEP);
        assert!(states.kept(&key("large")).is_none());
        assert_eq!(states.budget.available_permits(), ALL - kib as usize, "it is being told");
        drop(state);
        assert_eq!(states.budget.available_permits(), ALL);
    }
}
