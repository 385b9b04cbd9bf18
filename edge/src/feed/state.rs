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
use crate::{auth::Caller, names::SessionState, upstream::CALL_DEADLINE};

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
/// A session may grow by one in so many while space for it is waited for, and needs not wait again.
const GROWTH_SHARE: u32 = 8;

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
#[derive(Debug, Clone)]
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
    known: Known,
}

/// What was found out of a session.
#[derive(Debug, Clone)]
struct Known {
    /// Where it stood.
    cursor: String,
    fit: Fit<Arc<SharedState>>,
}

impl<T> Fit<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Fit<U> {
        match self {
            Self::Whole(whole) => Fit::Whole(change(whole)),
            Self::TooLarge { kib } => Fit::TooLarge { kib },
        }
    }
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
        if let Some(known) = states.known(&key, space.as_ref()) {
            return self.join_known(caller, topic, known, space).await;
        }
        let turn = states.turn().await?;
        if let Some(known) = states.known(&key, space.as_ref()) {
            drop(turn);
            return self.join_known(caller, topic, known, space).await;
        }
        self.encoded(self.join(caller, topic, None).await?, space).await
    }

    /// Joins a session where it is known to have stood. The core is asked for the right first: a stranger
    /// is refused, and waits for nobody's space.
    async fn join_known(
        &self,
        caller: Caller,
        topic: &str,
        known: Known,
        space: Option<Space>,
    ) -> Result<Fit<Joined>, Status> {
        let mut joined = self.join(caller, topic, Some(&known.cursor)).await?;
        // Nobody was told a cursor that could be lost.
        joined.response.reset = None;
        if !std::mem::take(&mut joined.response.resumed) {
            return self.encoded(joined, space).await;
        }
        Ok(known.fit.map(|state| {
            told("kept");
            Joined { state: Some(state), ..joined }
        }))
    }

    async fn encoded(
        &self,
        mut joined: Joined,
        space: Option<Space>,
    ) -> Result<Fit<Joined>, Status> {
        let fit = self.0.states.encode(&mut joined.response, space).await?;
        Ok(fit.map(|state| Joined { state, ..joined }))
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

    /// What was found out of a session a moment ago: its state, or that there is no space for it. Whoever
    /// has some looks anew.
    fn known(&self, key: &Key, space: Option<&Space>) -> Option<Known> {
        self.prune(Instant::now());
        let known = self.lock().get(key)?.known.clone();
        let is_of_use = match known.fit {
            Fit::Whole(_) => true,
            Fit::TooLarge { kib } => {
                space.is_none() && self.budget.available_permits() < kib as usize
            }
        };
        is_of_use.then_some(known)
    }

    /// Whose turn it is to ask for a state that is not kept. A core that answers nobody keeps nobody waiting
    /// for all who came before.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Status> {
        let turn = timeout(CALL_DEADLINE, self.fetches.acquire());
        turn.await.ok().and_then(Result::ok).ok_or_else(overloaded)
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
        let (topic, cursor) = (response.topic.clone(), response.cursor.clone());
        if let Some(Known { fit: Fit::Whole(state), .. }) =
            self.known(&key, None).filter(|known| known.cursor == cursor)
        {
            return Ok(Fit::Whole(Some(state)));
        }
        // A large one takes longer than others may wait for this thread.
        let encode = move || SessionState::new(&topic, &cursor, &snapshot);
        let state = tokio::task::spawn_blocking(encode).await;
        let state = state.map_err(|_| Code::Internal.status("the session could not be encoded"))?;
        let fit = self.hold(state.size(), space);
        let fit = fit.map(|space| Arc::new(SharedState { state, _space: space }));
        self.keep(key, Known { cursor: response.cursor.clone(), fit: fit.clone() });
        Ok(fit.map(Some))
    }

    /// A state that is kept serves others still when there is no space for a later one.
    fn keep(&self, key: Key, known: Known) {
        let mut recent = self.lock();
        let is_kept =
            recent.get(&key).is_some_and(|recent| matches!(recent.known.fit, Fit::Whole(_)));
        if !is_kept || matches!(known.fit, Fit::Whole(_)) {
            recent.insert(key, Recent { at: Instant::now(), known });
        }
    }

    /// Space for a state of this size: what was waited for, with what it lacks if that is left.
    fn hold(&self, bytes: usize, waited_for: Option<Space>) -> Fit<Option<Space>> {
        if bytes <= SMALL_STATE_BYTES {
            return Fit::Whole(None);
        }
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).min(STATES_KIB_MAX);
        let held = waited_for.as_ref().map_or(0, Space::num_permits);
        let lacking = kib.saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        let Ok(mut space) = Arc::clone(&self.budget).try_acquire_many_owned(lacking) else {
            return Fit::TooLarge { kib };
        };
        if let Some(waited_for) = waited_for {
            space.merge(waited_for);
        }
        // What was asked for beyond it goes back.
        drop(space.split(space.num_permits() - kib as usize));
        Fit::Whole(Some(space))
    }

    /// Waits until there is space for a state of this size, and some for what it may grow by meanwhile:
    /// who found too little would lose its place among those who wait.
    pub(super) async fn space(&self, kib: u32) -> Result<Space, Status> {
        let with_growth = kib.saturating_add(kib / GROWTH_SHARE).min(STATES_KIB_MAX);
        let space = Arc::clone(&self.budget).acquire_many_owned(with_growth);
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
    use crate::feed::tests::nowhere;

    const ALL: usize = STATES_KIB_MAX as usize;
    /// Of a large state.
    const KIB: u32 = 4096;

    impl States {
        fn space_of(&self, kib: usize) -> Space {
            let kib = u32::try_from(kib).unwrap();
            Arc::clone(&self.budget).try_acquire_many_owned(kib).unwrap()
        }
    }

    fn key(id: &str) -> Key {
        Key { tenant: String::new(), topic: format!("session:{id}") }
    }

    /// The KiB that there is known to be no space for.
    fn lacking(states: &States, id: &str) -> Option<u32> {
        match states.known(&key(id), None)?.fit {
            Fit::TooLarge { kib } => Some(kib),
            Fit::Whole(_) => panic!("it is kept"),
        }
    }

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
        assert_eq!(lacking(&states, "large"), Some(kib), "nobody else reads it in vain");
        let small = states.encode(&mut session("small", 10), None).await;
        assert!(matches!(small, Ok(Fit::Whole(Some(_)))));

        let (space, ()) = tokio::join!(states.space(kib), async { drop(others) });
        assert_eq!(lacking(&states, "large"), None);
        let encoded = states.encode(&mut large(), Some(space.unwrap())).await;
        let Ok(Fit::Whole(Some(state))) = encoded else { panic!("there is space") };
        assert!(state.state().size() <= kib as usize * 1024 + 1024);
        assert_eq!(states.budget.available_permits(), ALL - kib as usize);
        states.prune(Instant::now() + KEEP);
        assert!(states.known(&key("large"), None).is_none());
        assert_eq!(states.budget.available_permits(), ALL - kib as usize, "it is being told");
        drop(state);
        assert_eq!(states.budget.available_permits(), ALL);
    }

    #[tokio::test]
    async fn nobody_waits_for_space_before_the_right_was_asked_for() {
        let feeds = nowhere();
        let states = &feeds.0.states;
        let _others = states.space_of(ALL);
        let encoded = states.encode(&mut session("s", 3 * SMALL_STATE_BYTES), None).await;
        assert!(matches!(encoded, Ok(Fit::TooLarge { .. })));
        // A wait would end with another answer.
        let refused = feeds.join_encoded(Caller::edge(), "session:s", None).await.unwrap_err();
        assert_eq!(Code::of(&refused), Code::CoreUnavailable);
    }

    /// A session that had no space is told as it was after that, with what was waited for.
    #[track_caller]
    fn check_growth(grown: usize, left: u32, is_told: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let states = States::new();
            let space = states.space(KIB).await.unwrap();
            let free = states.budget.available_permits();
            let _others = states.space_of(free - left as usize);
            let encoded = states.encode(&mut session("s", grown), Some(space)).await;
            assert_eq!(matches!(encoded, Ok(Fit::Whole(Some(_)))), is_told, "grown to {grown}");
        });
    }

    #[test]
    fn a_session_that_grew_while_space_was_waited_for_needs_only_what_it_lacks() {
        let share = KIB / GROWTH_SHARE;
        check_growth((KIB + share / 2) as usize * 1024, 0, true);
        check_growth((KIB + share * 3) as usize * 1024, share * 2, true);
        check_growth((KIB + share * 3) as usize * 1024, share, false);
    }

    #[tokio::test]
    async fn how_much_space_is_lacking_is_known_by_the_last_who_looked() {
        let states = States::new();
        let _others = states.space_of(ALL);
        for size in [3, 4] {
            let mut session = session("s", size * SMALL_STATE_BYTES);
            let encoded = states.encode(&mut session, None).await;
            let Ok(Fit::TooLarge { kib }) = encoded else { panic!("there is no space") };
            assert_eq!(lacking(&states, "s"), Some(kib));
        }
    }
}
