//! Who is in sessions and rooms: edges announce, the roll waits for what is worth telling, and an agent
//! commits it, one commit for all that is due in a topic.
//!
//! Of several cores, the one that an edge talks to speaks for it, and the store says which that is: with
//! an edge's first call, and with each beat, which is a commit that other edges' share. Who is connected
//! to the edge comes with the beat and is only passed on. An edge that falls silent while its core lives
//! is told of by that core; one whose core has gone too is taken over by whichever core notices.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::limits;
use crate::domain::presence::Announcement;
use crate::domain::presence::roll::Roll;
use crate::domain::room::Rooms;
use crate::domain::topic::{Kind, Topic};
use crate::log::{Log, now};
use crate::store::commit::{Action, Command};
use crate::store::edge::Attend;
use crate::store::session::{self, Refusal as SessionRefusal};
use crate::store::{Error, Refusal};

/// Commits at once: they share the writer's batch.
const COMMITS_MAX: usize = 64;
/// How often it is looked for edges that no core hears.
const REAP_INTERVAL: Duration = Duration::from_secs(3);
/// Edges taken over in one go.
const REAPED_MAX: usize = 64;

/// Whether it is told who is there: in every session, and in the rooms that ask for it.
pub(super) fn is_told(topic: &Topic, rooms: &Rooms) -> bool {
    match topic.kind() {
        Kind::Session => true,
        Kind::Room => rooms.get(topic.name()).is_some_and(|room| room.has_presence),
        Kind::Job | Kind::Project | Kind::User | Kind::Audit | Kind::Access => false,
    }
}

/// What an edge says in one call.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) edge_id: String,
    /// The core that answered the edge last.
    pub(super) core_id: String,
    pub(super) number: u64,
    pub(super) announced: Vec<(Topic, Announcement)>,
    /// Parts of who is connected.
    pub(super) parts: Vec<(u32, Bytes)>,
}

/// The roll of those edges that this core speaks for, shared by the calls and the agent.
#[derive(Debug, Clone)]
pub struct Attendance(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Names this process: another one begins with no edge.
    core_id: String,
    roll: Mutex<Roll>,
    news: Notify,
}

impl Default for Attendance {
    fn default() -> Attendance {
        let core_id = uuid::Uuid::now_v7().simple().to_string();
        Attendance(Arc::new(Shared { core_id, roll: Mutex::default(), news: Notify::new() }))
    }
}

impl Attendance {
    /// The name of this core.
    pub(super) fn core_id(&self) -> &str {
        &self.0.core_id
    }

    /// Takes in what an edge says. Answers whether this core knew all that the edge has said before.
    pub(super) async fn announce(&self, log: &Log, word: Word) -> Result<bool, Error> {
        let Word { edge_id, core_id, number, announced, parts } = word;
        let begun = now();
        let (is_known, is_due) = self.with(|roll| {
            // An edge that names no core has not moved, or is of the version before.
            let is_at_home = core_id.is_empty() || core_id == self.0.core_id;
            let is_known = is_at_home && roll.knows(&edge_id);
            // It lives, also where the store cannot be told.
            if is_known {
                roll.beat(&edge_id, None, begun);
            }
            (is_known, !is_known || !parts.is_empty() || roll.is_to_be_noted(&edge_id, begun))
        });
        if is_due {
            let core_id = self.0.core_id.clone();
            let attend = Attend { edge_id: edge_id.clone(), core_id, number, parts };
            self.commit(log, session::Action::Attend(attend)).await?;
        }
        // Nobody else's word counts from here on, so this is all there will be.
        let told = match is_known {
            true => None,
            false => Some(log.store().announcements(&edge_id).await?),
        };
        self.with(|roll| {
            let now = now();
            if let Some(told) = told {
                roll.adopt(&edge_id, told, now + limits::PRESENCE_LEASE);
            }
            roll.beat(&edge_id, is_due.then_some(begun), now);
            for (topic, one) in announced {
                if one.connections == 0 || !roll.is_full() {
                    roll.announce(&topic, one, now);
                }
            }
        });
        self.0.news.notify_one();
        Ok(is_known)
    }

    /// Tells what is due and takes over edges that nobody hears, until `stop`.
    pub async fn run(self, log: Log, stop: CancellationToken) {
        let agents = futures::future::join(self.tell_always(&log), self.reap_always(&log));
        stop.run_until_cancelled(agents).await;
    }

    async fn tell_always(&self, log: &Log) {
        loop {
            self.tell(log).await;
            let news = self.0.news.notified();
            let pause = self.with(|roll| roll.next()).map(|at| at.since(now()));
            tokio::select! {
                () = news => {}
                () = tokio::time::sleep(pause.unwrap_or(limits::PRESENCE_LEASE)) => {}
            }
        }
    }

    /// Edges have a whole lease to be heard again after this core started, or after the store was away.
    async fn reap_always(&self, log: &Log) {
        let (mut pause, mut was_away) = (limits::PRESENCE_LEASE, false);
        loop {
            tokio::time::sleep(pause).await;
            let silent = log.store().silent_edges(now(), REAPED_MAX).await;
            let reaped = match silent {
                Ok(_) if was_away => {
                    (pause, was_away) = (limits::PRESENCE_LEASE, false);
                    continue;
                }
                Ok(silent) => self.reap(log, silent).await,
                Err(error) => Err(error),
            };
            pause = REAP_INTERVAL;
            if let Err(error) = reaped {
                was_away = true;
                tracing::warn!(%error, "silent edges wait");
            }
        }
    }

    async fn reap(&self, log: &Log, silent: Vec<String>) -> Result<(), Error> {
        for edge_id in silent {
            let core_id = self.0.core_id.clone();
            let reap = session::Action::Reap { edge_id: edge_id.clone(), core_id };
            match self.commit(log, reap).await {
                Ok(()) => {}
                // It was heard after all, or another core was first.
                Err(Error::Refused(_)) => continue,
                Err(error) => return Err(error),
            }
            let told = log.store().announcements(&edge_id).await?;
            tracing::info!(edge_id, users = told.len(), "an edge has fallen silent");
            self.with(|roll| roll.adopt(&edge_id, told, now()));
            self.0.news.notify_one();
        }
        Ok(())
    }

    async fn commit(&self, log: &Log, action: session::Action) -> Result<(), Error> {
        let action = Action::Session(Box::new(action));
        log.commit_session(Command { action, idempotency: None, trace: None }).await.map(|_| ())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Roll) -> T) -> T {
        act(&mut self.0.roll.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn tell(&self, log: &Log) {
        let due = self.with(|roll| roll.due(now()));
        let commits = futures::stream::iter(due).map(|(topic, announced)| async move {
            let outcome = self
                .commit(
                    log,
                    session::Action::Announce {
                        topic: topic.clone(),
                        announced: announced.clone(),
                        core_id: self.0.core_id.clone(),
                    },
                )
                .await;
            self.with(|roll| settle(roll, &topic, announced, outcome));
        });
        commits.buffer_unordered(COMMITS_MAX).collect::<()>().await;
    }
}

fn settle(roll: &mut Roll, topic: &Topic, told: Vec<Announcement>, outcome: Result<(), Error>) {
    use SessionRefusal::{Closed, SessionNotFound};
    match outcome {
        Ok(()) => roll.told(topic, told, now()),
        Err(Error::Refused(Refusal::Session(Closed(_) | SessionNotFound(_)))) => {
            roll.forget(topic);
        }
        Err(error) => {
            tracing::warn!(%error, "presence waits");
            roll.failed(topic, now());
        }
    }
}
