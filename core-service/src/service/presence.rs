//! Who is in sessions and rooms: edges announce, the roll waits for what is worth telling, and an agent
//! commits it, one commit for all that is due in a topic.
//!
//! Of several cores, the one that an edge talks to speaks for it, and the store says which that is: with
//! an edge's first call, and with each beat, which is a commit that other edges' share. Who is connected
//! to the edge comes with the beat and is only passed on. An edge that falls silent while its core lives
//! is told of by that core; one whose core has gone too is taken over by whichever core notices.
//!
//! An edge may have spoken to another core, or been taken over by one, without this core having heard of
//! it. The store's answers tell: to a beat, whose the edge was; to what was to be told, of which edges
//! another core speaks. Such an edge is not known here any more, and says again who is there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::limits;
use crate::domain::presence::Announcement;
use crate::domain::presence::roll::{Noted, Roll};
use crate::domain::room::Rooms;
use crate::domain::topic::{Kind, Topic};
use crate::log::{Log, now};
use crate::store::commit::{Action, Command};
use crate::store::edge::Attend;
use crate::store::session::{self, Outcome, Refusal as SessionRefusal};
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
    /// [`Answer::core_id`] of the last answer that the edge has heard.
    pub(super) core_id: String,
    pub(super) number: u64,
    pub(super) announced: Vec<(Topic, Announcement)>,
    /// Parts of who is connected.
    pub(super) parts: Vec<(u32, Bytes)>,
}

/// What an edge is answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether this core knew all that the edge had said before.
    pub(super) is_known: bool,
    /// Names this core, and the word since which it knows the edge: an edge that names another one has
    /// not heard that it is to say all again.
    pub(super) core_id: String,
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
    /// Takes in what an edge says.
    pub(super) async fn announce(&self, log: &Log, word: Word) -> Result<Answer, Error> {
        let Word { edge_id, core_id, number, announced, parts } = word;
        let heard = Noted { number, at: now() };
        let (is_known, is_due) = self.with(|roll| {
            // It lives, also where the store cannot be told.
            roll.beat(&edge_id, heard.at);
            // An edge that names no core was answered by none, or is of the version before.
            let is_home = |since| core_id.is_empty() || core_id == self.name(since);
            let is_known = roll.since(&edge_id).is_some_and(is_home);
            let is_due = !parts.is_empty() || roll.is_to_be_noted(&edge_id, heard.at);
            (is_known, !is_known || is_due)
        });
        let is_as_left = !is_due || self.attend(log, &edge_id, number, parts).await?;
        // Nobody else's word counts from here on, so this is all there will be.
        let told = match is_known && is_as_left {
            true => None,
            false => Some(log.store().announcements(&edge_id).await?),
        };
        let is_known = told.is_none();
        let since = self.with(|roll| {
            if roll.is_ahead_of(&edge_id, number) || (is_known && !roll.knows(&edge_id)) {
                return None;
            }
            let now = now();
            if let Some(told) = told {
                roll.adopt(&edge_id, told, now + limits::PRESENCE_LEASE);
            }
            roll.hear(&edge_id, number, is_due.then_some(heard), now);
            for (topic, one) in announced {
                if one.connections == 0 || !roll.is_full() {
                    roll.announce(&topic, one, now);
                }
            }
            roll.since(&edge_id)
        });
        let overtaken = || Error::Refused(Refusal::Session(SessionRefusal::Overtaken(edge_id)));
        let core_id = self.name(since.ok_or_else(overtaken)?);
        self.0.news.notify_one();
        Ok(Answer { is_known, core_id })
    }

    fn name(&self, since: u64) -> String {
        format!("{}.{since}", self.0.core_id)
    }

    /// Notes in the store that an edge lives. Answers whether it was there as this core had left it.
    async fn attend(
        &self,
        log: &Log,
        edge_id: &str,
        number: u64,
        parts: Vec<(u32, Bytes)>,
    ) -> Result<bool, Error> {
        let (edge_id, core_id) = (edge_id.to_owned(), self.0.core_id.clone());
        let attend = Attend { edge_id: edge_id.clone(), core_id, number, parts };
        let Outcome::Attended(before) = self.commit(log, session::Action::Attend(attend)).await?
        else {
            return Err(Error::Damaged("an edge was expected".into()));
        };
        let before = before.filter(|held| held.core_id == self.0.core_id).map(|held| held.number);
        Ok(self.with(|roll| roll.is_as_left(&edge_id, before)))
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
            let silent = log.store().silent_edges(REAPED_MAX).await;
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
            let reaped = self.commit(log, reap).await;
            // It was heard after all, another core was first, or it gets its time.
            if let Err(Error::Refused(_)) | Ok(Outcome::Attended(_)) = reaped {
                continue;
            }
            // Who is connected to it is forgotten, or may be: if it lives after all, it says all again.
            self.with(|roll| roll.leave(&edge_id));
            reaped?;
            let told = log.store().announcements(&edge_id).await?;
            tracing::info!(edge_id, users = told.len(), "an edge has fallen silent");
            self.with(|roll| {
                if !roll.knows(&edge_id) {
                    roll.adopt(&edge_id, told, now());
                }
            });
            self.0.news.notify_one();
        }
        Ok(())
    }

    async fn commit(&self, log: &Log, action: session::Action) -> Result<Outcome, Error> {
        let action = Action::Session(Box::new(action));
        let command = Command { action, idempotency: None, trace: None };
        log.commit_session(command).await.map(|(outcome, _)| outcome)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Roll) -> T) -> T {
        act(&mut self.0.roll.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn tell(&self, log: &Log) {
        let due = self.with(|roll| roll.due(now()));
        let commits = futures::stream::iter(due).map(|(topic, announced)| async move {
            let outcome = self.tell_of(log, topic.clone(), announced.clone()).await;
            self.with(|roll| settle(roll, &topic, announced, outcome));
        });
        commits.buffer_unordered(COMMITS_MAX).collect::<()>().await;
    }

    /// Tells of one topic. Answers the edges that this core does not speak for.
    async fn tell_of(
        &self,
        log: &Log,
        topic: Topic,
        announced: Vec<Announcement>,
    ) -> Result<Vec<String>, Error> {
        let core_id = self.0.core_id.clone();
        let announce = session::Action::Announce { topic, announced, core_id };
        let Outcome::Announced { unspoken, .. } = self.commit(log, announce).await? else {
            return Err(Error::Damaged("who was told of was expected".into()));
        };
        Ok(unspoken)
    }
}

fn settle(
    roll: &mut Roll,
    topic: &Topic,
    told: Vec<Announcement>,
    outcome: Result<Vec<String>, Error>,
) {
    use SessionRefusal::{Closed, SessionNotFound};
    match outcome {
        Ok(unspoken) => roll.told(topic, told, &unspoken, now()),
        Err(Error::Refused(Refusal::Session(Closed(_) | SessionNotFound(_)))) => {
            roll.forget(topic);
        }
        Err(error) => {
            tracing::warn!(%error, "presence waits");
            roll.failed(topic, told, now());
        }
    }
}
