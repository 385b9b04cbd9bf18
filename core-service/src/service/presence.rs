//! Who is in sessions and rooms: edges announce, the roll waits for what is worth telling, and an agent
//! commits it, one commit for all that is due in a topic.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
use crate::store::session::{self, Refusal as SessionRefusal};
use crate::store::{Error, Refusal};

/// Commits at once: they share the writer's batch.
const COMMITS_MAX: usize = 64;
/// After the store could not be read at the start.
const RETRY: Duration = Duration::from_secs(1);

/// Whether it is told who is there: in every session, and in the rooms that ask for it.
pub(super) fn is_told(topic: &Topic, rooms: &Rooms) -> bool {
    match topic.kind() {
        Kind::Session => true,
        Kind::Room => rooms.get(topic.name()).is_some_and(|room| room.has_presence),
        Kind::Job | Kind::Project | Kind::User | Kind::Access => false,
    }
}

/// The roll of all sessions and rooms, shared by the calls and the agent.
#[derive(Debug, Clone, Default)]
pub struct Attendance(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// None until the log's participants are known: edges announce again until then.
    roll: Mutex<Option<Roll>>,
    news: Notify,
}

impl Attendance {
    /// Takes in what an edge says. Answers whether the edge was known.
    pub(super) fn announce(
        &self,
        edge_id: &str,
        announced: impl Iterator<Item = (Topic, Announcement)>,
    ) -> bool {
        let now = now();
        let is_known = self.with(|roll| {
            let is_known = roll.beat(edge_id, now);
            for (topic, one) in announced {
                if one.connections == 0 || !roll.is_full() {
                    roll.announce(&topic, one, now);
                }
            }
            is_known
        });
        self.0.news.notify_one();
        is_known.unwrap_or(false)
    }

    /// Tells what is due, until `stop`.
    pub async fn run(self, log: Log, stop: CancellationToken) {
        let run = async {
            self.begin(&log).await;
            loop {
                self.tell(&log).await;
                let news = self.0.news.notified();
                let pause = self.with(|roll| roll.next()).flatten();
                let pause = pause.map(|at| at.since(now()));
                tokio::select! {
                    () = news => {}
                    () = tokio::time::sleep(pause.unwrap_or(limits::PRESENCE_LEASE)) => {}
                }
            }
        };
        stop.run_until_cancelled(run).await;
    }

    fn with<T>(&self, act: impl FnOnce(&mut Roll) -> T) -> Option<T> {
        let mut roll = self.0.roll.lock().unwrap_or_else(PoisonError::into_inner);
        roll.as_mut().map(act)
    }

    async fn begin(&self, log: &Log) {
        loop {
            match log.store().announcements().await {
                Ok(known) => {
                    let roll = Roll::begin(known, now());
                    *self.0.roll.lock().unwrap_or_else(PoisonError::into_inner) = Some(roll);
                    return;
                }
                Err(error) => tracing::warn!(%error, "participants cannot be read"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn tell(&self, log: &Log) {
        let due = self.with(|roll| roll.due(now())).unwrap_or_default();
        let commits = futures::stream::iter(due).map(|(topic, announced)| async move {
            let action =
                session::Action::Announce { topic: topic.clone(), announced: announced.clone() };
            let action = Action::Session(Box::new(action));
            let command = Command { action, idempotency: None, trace: None };
            let outcome = log.commit_session(command).await;
            self.with(|roll| settle(roll, &topic, announced, outcome.map(|_| ())));
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
