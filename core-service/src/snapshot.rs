//! A topic's state at a cursor: where a reader begins that has no history.

mod recent;

use std::sync::Arc;

pub use recent::{Known, Recent};

use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::job::Summary;
use crate::domain::topic::{Kind, Topic};
use crate::store::{Error, JobQuery, Store, Stored};

/// Jobs in a list's snapshot: what a person looks through.
const JOBS_MAX: usize = 200;
/// Event types in a room's snapshot.
const VALUES_MAX: usize = 256;
/// How often a list is read again because it changed while it was read.
const READS_MAX: usize = 3;

/// A topic's state and the last event that is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What follows builds on it.
    pub cursor: Cursor,
    /// The state.
    pub state: State,
}

/// The state, by kind of topic.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Of a job's topic. None when there is no such job.
    Job(Option<Box<Stored>>),
    /// Of a user's or project's topic, newest first.
    Jobs(Vec<Summary>),
    /// Of a room: the last event of each type.
    LastValues(Vec<Event>),
    /// Of a session. None when there is no such session.
    Session(Option<Arc<Known>>),
}

impl Snapshot {
    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match &self.state {
            State::Job(stored) => {
                stored.as_ref().is_some_and(|stored| stored.record.job.state.is_final())
            }
            State::Session(known) => {
                known.as_ref().is_some_and(|known| known.state.session.closed_at.is_some())
            }
            State::Jobs(_) | State::LastValues(_) => false,
        }
    }
}

/// Reads a topic's state.
///
/// # Errors
/// When the store cannot be read.
pub async fn read(store: &dyn Store, recent: &Recent, topic: &Topic) -> Result<Snapshot, Error> {
    match topic.kind() {
        Kind::Job => {
            let stored = store.job(topic.name()).await?;
            let stored = stored.filter(|stored| stored.record.job.spec.tenant == topic.tenant());
            let cursor = stored.as_ref().map_or(Cursor::START, |stored| stored.cursor);
            Ok(Snapshot { cursor, state: State::Job(stored.map(Box::new)) })
        }
        Kind::User | Kind::Project => jobs(store, topic).await,
        Kind::Session => {
            let known = recent.session(store, topic.name()).await?;
            let known = known.filter(|known| known.state.session.tenant == topic.tenant());
            let cursor = known.as_ref().map_or(Cursor::START, |known| known.cursor);
            Ok(Snapshot { cursor, state: State::Session(known) })
        }
        Kind::Room | Kind::Audit | Kind::Access => {
            let (cursor, events) = store.last_values(topic, VALUES_MAX).await?;
            Ok(Snapshot { cursor, state: State::LastValues(events) })
        }
    }
}

/// A list and the head of its topic. Every summary is a whole line, so a list that is newer than its
/// head would come right by itself; reading again avoids even the flicker.
async fn jobs(store: &dyn Store, topic: &Topic) -> Result<Snapshot, Error> {
    let mut head = store.position(topic, None).await?.head;
    let mut lines = Vec::new();
    for _ in 0..READS_MAX {
        lines = newest(store, topic).await?;
        let after = store.position(topic, None).await?.head;
        if after == head {
            break;
        }
        head = after;
    }
    Ok(Snapshot { cursor: head, state: State::Jobs(lines) })
}

/// The newest lines of a list.
async fn newest(store: &dyn Store, topic: &Topic) -> Result<Vec<Summary>, Error> {
    let mut query = JobQuery { tenant: topic.tenant().to_owned(), ..JobQuery::default() };
    match topic.kind() {
        Kind::Project => query.project = Some(topic.name().to_owned()),
        Kind::User | Kind::Job | Kind::Session | Kind::Room | Kind::Audit | Kind::Access => {
            query.owner = Some(crate::domain::name::unescape(topic.name()));
        }
    }
    let mut lines: Vec<Summary> = Vec::new();
    loop {
        let after = lines.last().map(|line| line.job_id.clone());
        let limit = JOBS_MAX - lines.len();
        let page = store.jobs(JobQuery { after, limit, ..query.clone() }).await?;
        lines.extend(page.jobs.iter().map(|stored| Summary::of(&stored.record.job)));
        if !page.has_more || lines.len() >= JOBS_MAX {
            return Ok(lines);
        }
    }
}
