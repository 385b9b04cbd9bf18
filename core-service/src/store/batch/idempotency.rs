//! Idempotency keys: what the first request with a key came to.

use serde::{Deserialize, Serialize};

use super::{Batch, Reply, Rows, Step};
use crate::domain::cursor::Cursor;
use crate::domain::project::Project;
use crate::domain::session::Session;
use crate::store::commit::{Committed, Idempotency, Refusal, job_topic};
use crate::store::session::{self, Outcome};
use crate::store::sql::graph::json;
use crate::store::sql::{Failure, project, session as sessions};
use crate::store::{PageLimit, codec};

/// What is kept of an outcome: enough to answer again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// Events of one commit follow each other and share a stamp.
    Published { after: u64, count: u64, stamp: u32 },
    /// The job answers as it stands by then.
    Job { job_id: String },
    /// A project answers as it stands by then.
    Project { project_id: String },
    /// So does a session.
    Session { session_id: String },
    /// Events of one session's topic that follow each other.
    Events { session_id: String, after: u64, count: u64 },
    /// There is nothing to say.
    Done,
}

impl<R: Rows> Batch<'_, R> {
    /// The outcome of the first request with the key, if there was one that is not yet forgotten. Sees
    /// the commands before this one in the same batch.
    pub(super) fn recall(&mut self, asked: &Idempotency) -> Step<Option<Committed>, R> {
        let Some(Reply { content, outcome, expires_at }) = self.rows.reply(asked)? else {
            return Ok(None);
        };
        if expires_at <= self.now {
            return Ok(None);
        }
        if content != asked.content {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        let outcome = match codec::from_json(outcome.as_bytes())? {
            Kept::Published { after, count, stamp } => {
                let cursors = (1..=count).map(|n| Cursor { offset: after + n, stamp }).collect();
                return Ok(Some(Committed::Published { cursors, is_replay: true }));
            }
            Kept::Job { job_id } => return self.recall_job(job_id).map(Some),
            Kept::Project { project_id } => {
                let project = project::get(self.rows.sql(), &project_id)?;
                let missing = session::Refusal::ProjectNotFound(project_id);
                Outcome::Project(project.ok_or(missing)?)
            }
            Kept::Session { session_id } => {
                let held = sessions::get(self.rows.sql(), &session_id)?;
                Outcome::Session(held.ok_or(session::Refusal::SessionNotFound(session_id))?.session)
            }
            Kept::Events { session_id, after, count } => {
                let held = sessions::get(self.rows.sql(), &session_id)?;
                let held = held.ok_or(session::Refusal::SessionNotFound(session_id))?;
                let events = usize::try_from(count).unwrap_or(usize::MAX);
                let limit = PageLimit { events, bytes: usize::MAX };
                let topic = super::session::topic_of(&held.session)?;
                let found = self.rows.events(&topic, after, limit)?;
                // Others must not stand for those that are past their retention.
                if found.first().is_none_or(|first| first.cursor.offset != after + 1) {
                    return Err(Refusal::AnswerGone.into());
                }
                Outcome::Events(found)
            }
            Kept::Done => Outcome::Done,
        };
        Ok(Some(Committed::Session { outcome: Box::new(outcome), is_replay: true }))
    }

    fn recall_job(&mut self, job_id: String) -> Step<Committed, R> {
        let held = self.rows.job(&job_id)?;
        let record = held.ok_or(Refusal::JobNotFound(job_id))?.record;
        let cursor = match job_topic(&record.job) {
            Ok(topic) => self.rows.head(&topic)?.cursor,
            Err(_) => Cursor::START,
        };
        Ok(Committed::Job { record, cursor, is_replay: true })
    }

    /// Writes a key and the outcome it stands for.
    pub(super) fn remember(&mut self, new: &Idempotency, outcome: &Committed) -> Step<(), R> {
        let kept = match outcome {
            Committed::Published { cursors, .. } => Kept::Published {
                after: cursors.first().map_or(0, |first| first.offset - 1),
                count: cursors.len() as u64,
                stamp: cursors.first().map_or(0, |first| first.stamp),
            },
            Committed::Job { record, .. } => Kept::Job { job_id: record.job.spec.id.clone() },
            // What it does to an entry is the same however often it is done.
            Committed::Access { .. } => return Ok(()),
            Committed::Session { outcome, .. } => match &**outcome {
                Outcome::Project(Project { project_id, .. }) => {
                    Kept::Project { project_id: project_id.clone() }
                }
                Outcome::Session(Session { session_id, .. }) => {
                    Kept::Session { session_id: session_id.clone() }
                }
                Outcome::Events(events) => match events.first() {
                    Some(first) => Kept::Events {
                        session_id: first.topic.name().to_owned(),
                        after: first.cursor.offset - 1,
                        count: events.len() as u64,
                    },
                    None => Kept::Done,
                },
                Outcome::Announced { .. } | Outcome::Attended(_) | Outcome::Done => Kept::Done,
            },
        };
        self.rows.put_reply(new, json(&kept).map_err(Failure::Broken)?)
    }
}
