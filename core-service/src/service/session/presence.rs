//! Who is in sessions: edges announce, the roll waits for what is worth telling, and an agent commits
//! it, one commit for all that is due in a session.

use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;
use tokio::sync::Notify;

use super::*;
use crate::domain::name::is_name;
use crate::domain::presence::roll::Roll;
use crate::domain::session::Announcement;
use crate::service::wire::check;
use crate::store::{Error, Refusal};

/// Announcements of one call.
const ANNOUNCED_MAX: usize = 1000;
/// Commits at once: they share the writer's batch.
const COMMITS_MAX: usize = 64;
/// After the store could not be read at the start.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// The roll of all sessions, shared by the calls and the agent.
#[derive(Debug, Clone, Default)]
pub struct Attendance(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// None until the log's participants are known: edges announce again until then.
    roll: Mutex<Option<Roll>>,
    news: Notify,
}

impl Attendance {
    fn with<T>(&self, act: impl FnOnce(&mut Roll) -> T) -> Option<T> {
        let mut roll = self.0.roll.lock().unwrap_or_else(PoisonError::into_inner);
        roll.as_mut().map(act)
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
        let commits = futures::stream::iter(due).map(|(session_id, told)| async move {
            let command = SessionCommand::Announce(told.clone());
            let action = session::Action::Command { session_id: session_id.clone(), command };
            let action = Action::Session(Box::new(action));
            let command = Command { action, idempotency: None, trace: None };
            let outcome = log.commit_session(command).await;
            self.with(|roll| settle(roll, &session_id, told, outcome.map(|_| ())));
        });
        commits.buffer_unordered(COMMITS_MAX).collect::<()>().await;
    }
}

fn settle(roll: &mut Roll, session: &str, told: Vec<Announcement>, outcome: Result<(), Error>) {
    use session::Refusal::{Closed, SessionNotFound};
    match outcome {
        Ok(()) => roll.told(session, told, now()),
        Err(Error::Refused(Refusal::Session(Closed(_) | SessionNotFound(_)))) => {
            roll.forget(session);
        }
        Err(error) => {
            tracing::warn!(%error, "presence waits");
            roll.failed(session, now());
        }
    }
}

impl Sessions {
    pub(super) async fn announce_presence(
        &self,
        caller: &Caller,
        request: v1::AnnouncePresenceRequest,
    ) -> Result<v1::AnnouncePresenceResponse, Status> {
        caller.require_edge()?;
        let v1::AnnouncePresenceRequest { edge_id, presences } = request;
        let edge_id = check::name("edge_id", edge_id)?;
        if presences.len() > ANNOUNCED_MAX {
            return Err(invalid("presences", "has at most 1000 users"));
        }
        let now = now();
        let announced = self.attendance.with(|roll| {
            let known = roll.beat(&edge_id, now);
            for one in presences {
                let v1::Presence { session_id, user_id, connections } = one;
                let is_of_use = is_name(&session_id) && Topic::user("", &user_id).is_ok();
                if is_of_use && !(roll.is_full() && connections > 0) {
                    let edge_id = edge_id.clone();
                    roll.announce(&session_id, Announcement { edge_id, user_id, connections }, now);
                }
            }
            known
        });
        self.attendance.0.news.notify_one();
        Ok(v1::AnnouncePresenceResponse {
            known: announced.unwrap_or(false),
            lease: Some(wire::duration(limits::PRESENCE_LEASE)),
            beat_interval: Some(wire::duration(limits::PRESENCE_BEAT)),
        })
    }

    pub(super) async fn list_participants(
        &self,
        caller: &Caller,
        request: v1::ListParticipantsRequest,
    ) -> Result<v1::ListParticipantsResponse, Status> {
        let id = &request.session_id;
        let found = membership::session(&self.log, caller, id, Role::Viewer).await?;
        let (cursor, presence) =
            self.log.store().presence(id).await.map_err(status)?.unwrap_or_default();
        let token = wire_session::token(&found.session, cursor);
        Ok(v1::ListParticipantsResponse {
            participants: wire_session::participants(&presence),
            participant_count: u32::try_from(presence.count()).unwrap_or(u32::MAX),
            cursor: token.unwrap_or_default(),
        })
    }
}
