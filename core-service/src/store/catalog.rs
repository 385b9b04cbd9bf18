//! What there is: jobs, topics, who may come in, projects and sessions, by their names and in lists.
//! Engines may keep all of it in the same rows; what each does in its own way is in the [`Store`].
//!
//! [`Store`]: super::Store

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::access::{Entry, Table};
use crate::domain::cursor::Cursor;
use crate::domain::job::{Record, State, Usage};
use crate::domain::payload::Payload;
use crate::domain::presence::{Announcement, Presence};
use crate::domain::project::{Member, Project, Role};
use crate::domain::session::{self, Session};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::Error;
use crate::store::edge::{PartOfEdge, Place};
use crate::store::session::{Found, Listing, Outline, Save, Which};

/// What a store answers of all that has a name. What comes from several rows is from one moment.
/// Whether a lease has ended MUST be judged by the clock that commits go by.
#[async_trait]
pub trait Catalog {
    /// A job by id, with the head of its topic; both from one moment.
    async fn job(&self, job_id: &str) -> Result<Option<Stored>, Error>;

    /// A job's input, if it has one.
    async fn job_input(&self, job_id: &str) -> Result<Option<Payload>, Error>;

    /// Jobs that match, newest first: no more than `query.limit`, and fewer where their records are long.
    /// MUST hold at least one if there is one, and say whether others follow.
    async fn jobs(&self, query: JobQuery) -> Result<JobPage, Error>;

    /// Topics that anything was written to, by kind and name, at most `query.limit`.
    async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicLine>, Error>;

    /// Entries of who may come in, by tenant and name.
    async fn access(&self, query: AccessQuery) -> Result<Vec<Entry>, Error>;

    /// A project by id.
    async fn project(&self, project_id: &str) -> Result<Option<Project>, Error>;

    /// A user's role in a project.
    async fn role(&self, project_id: &str, user_id: &str) -> Result<Option<Role>, Error>;

    /// A project's members, by user.
    async fn members(&self, project_id: &str) -> Result<Vec<Member>, Error>;

    /// What the jobs of a project, or of one of its sessions, have used of models. Grows in the commits
    /// that log it.
    async fn usage(&self, project_id: &str, session_id: Option<&str>) -> Result<Usage, Error>;

    /// A tenant's projects: all, or those a user is a member of.
    async fn projects(
        &self,
        tenant: &str,
        member: Option<&str>,
        listing: Listing,
    ) -> Result<Vec<Project>, Error>;

    /// A session by id.
    async fn session(&self, session_id: &str) -> Result<Option<Outline>, Error>;

    /// A project's sessions.
    async fn sessions(&self, project_id: &str, listing: Listing) -> Result<Vec<Session>, Error>;

    /// A session with all that is in it, and the head of its topic.
    async fn session_state(
        &self,
        session_id: &str,
    ) -> Result<Option<(Cursor, session::State)>, Error>;

    /// One graph of a session, or a save.
    async fn graph(&self, session_id: &str, which: Which) -> Result<Option<Found>, Error>;

    /// A session's saves, newest first.
    async fn saves(&self, session_id: &str) -> Result<Vec<Save>, Error>;

    /// Who is in a session or room, and the head of its topic; none where there is no such session.
    async fn presence(&self, topic: &Topic) -> Result<Option<(Cursor, Presence)>, Error>;

    /// Who is in open sessions and in rooms through one edge. For a core that begins to speak for it: what
    /// is told of the edge meanwhile need not be from one moment.
    async fn announcements(&self, edge_id: &str) -> Result<Vec<(Topic, Announcement)>, Error>;

    /// Edges that have been silent for their lease, the longest silent first, and such as were never
    /// noted though somebody is somewhere through them.
    async fn silent_edges(&self, limit: usize) -> Result<Vec<String>, Error>;

    /// Who is connected to the edges that live, from a place on.
    async fn edge_parts(&self, after: &Place, limit: usize) -> Result<Vec<PartOfEdge>, Error>;
}

/// Which topics to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicQuery {
    /// Required.
    pub tenant: String,
    /// Of these kinds, one after the other.
    pub kinds: Vec<Kind>,
    /// Only names, without the kind, that begin with this.
    pub prefix: String,
    /// Only those that come after this name of the first kind.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A topic of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLine {
    /// Which.
    pub topic: Topic,
    /// The last event.
    pub head: Cursor,
    /// Events up to this offset are gone.
    pub floor: u64,
    /// Bytes of retained bodies.
    pub bytes: u64,
    /// When the oldest retained event was committed, where that is kept.
    pub oldest: Option<Time>,
}

/// A record and the head of its topic at the same moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Arc<Record>,
    /// The head of the job's topic.
    pub cursor: Cursor,
}

/// Which jobs to list. All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Required.
    pub tenant: String,
    /// Only this owner's.
    pub owner: Option<String>,
    /// Only this project's.
    pub project: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only these states; empty means all.
    pub states: Vec<State>,
    /// Only with all of these labels.
    pub labels: Vec<(String, String)>,
    /// Only those that come after this job id in the list.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A piece of a list of jobs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobPage {
    /// In the list's order.
    pub jobs: Vec<Stored>,
    /// Whether others follow.
    pub has_more: bool,
}

/// Which entries of who may come in to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessQuery {
    /// Of this table.
    pub table: Table,
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only the one with this name.
    pub name: Option<String>,
    /// Only those that come after this tenant and name.
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: usize,
}
