//! The [`Catalog`] of the SQL engines: each answer is one short read.

use async_trait::async_trait;

use super::{Failure, Sql, access, edge, jobs, presence, project, session, state, topics, usage};
use crate::domain::access::Entry;
use crate::domain::cursor::Cursor;
use crate::domain::job::Usage;
use crate::domain::payload::Payload;
use crate::domain::presence::{Announcement, Presence};
use crate::domain::project::{Member, Project, Role};
use crate::domain::session::{Session, State};
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::edge::{PartOfEdge, Place};
use crate::store::session::{Found, Listing, Outline, Save, Which};
use crate::store::{AccessQuery, Catalog, Error, JobPage, JobQuery, Stored, TopicLine, TopicQuery};

/// Announcements that are read at a time: some 100 ms.
const ANNOUNCEMENTS: usize = 20_000;

/// An engine that reads in transactions.
#[async_trait]
pub(crate) trait Reads: Send + Sync {
    /// Its connections.
    type Sql: Sql + 'static;

    /// Runs `query` in one read transaction: all that it reads is from one moment.
    async fn query<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Self::Sql) -> Result<T, Failure<<Self::Sql as Sql>::Error>> + Send + 'static;

    /// The same at a moment by the clock that commits go by.
    async fn query_at<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Self::Sql, Time) -> Result<T, Failure<<Self::Sql as Sql>::Error>>
            + Send
            + 'static;
}

#[async_trait]
impl<E: Reads> Catalog for E {
    async fn job(&self, job_id: &str) -> Result<Option<Stored>, Error> {
        let job_id = job_id.to_owned();
        self.query(move |sql| jobs::job(sql, &job_id)).await
    }

    async fn job_input(&self, job_id: &str) -> Result<Option<Payload>, Error> {
        let job_id = job_id.to_owned();
        self.query(move |sql| jobs::input(sql, &job_id)).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<JobPage, Error> {
        self.query(move |sql| jobs::list(sql, &query)).await
    }

    async fn topics(&self, query: TopicQuery) -> Result<Vec<TopicLine>, Error> {
        self.query(move |sql| topics::list(sql, &query)).await
    }

    async fn access(&self, query: AccessQuery) -> Result<Vec<Entry>, Error> {
        self.query(move |sql| access::list(sql, &query)).await
    }

    async fn project(&self, project_id: &str) -> Result<Option<Project>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |sql| project::get(sql, &project_id)).await
    }

    async fn role(&self, project_id: &str, user_id: &str) -> Result<Option<Role>, Error> {
        let (project_id, user_id) = (project_id.to_owned(), user_id.to_owned());
        self.query(move |sql| project::role(sql, &project_id, &user_id)).await
    }

    async fn members(&self, project_id: &str) -> Result<Vec<Member>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |sql| project::members(sql, &project_id)).await
    }

    async fn usage(&self, project_id: &str, session_id: Option<&str>) -> Result<Usage, Error> {
        let project_id = project_id.to_owned();
        let session_id = session_id.unwrap_or(usage::ALL).to_owned();
        self.query(move |sql| usage::get(sql, &project_id, &session_id)).await
    }

    async fn projects(
        &self,
        tenant: &str,
        member: Option<&str>,
        listing: Listing,
    ) -> Result<Vec<Project>, Error> {
        let (tenant, member) = (tenant.to_owned(), member.map(str::to_owned));
        self.query(move |sql| project::list(sql, &tenant, member.as_deref(), &listing)).await
    }

    async fn session(&self, session_id: &str) -> Result<Option<Outline>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |sql| state::outline(sql, &session_id)).await
    }

    async fn sessions(&self, project_id: &str, listing: Listing) -> Result<Vec<Session>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |sql| session::list(sql, &project_id, &listing)).await
    }

    async fn session_state(&self, session_id: &str) -> Result<Option<(Cursor, State)>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |sql| state::whole(sql, &session_id)).await
    }

    async fn graph(&self, session_id: &str, which: Which) -> Result<Option<Found>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |sql| state::one(sql, &session_id, which)).await
    }

    async fn saves(&self, session_id: &str) -> Result<Vec<Save>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |sql| state::saves(sql, &session_id)).await
    }

    async fn presence(&self, topic: &Topic) -> Result<Option<(Cursor, Presence)>, Error> {
        let topic = topic.clone();
        self.query(move |sql| state::presence_of(sql, &topic)).await
    }

    async fn announcements(&self, edge_id: &str) -> Result<Vec<(Topic, Announcement)>, Error> {
        let mut all = Vec::new();
        let mut after = presence::Stand::default();
        loop {
            let edge_id = edge_id.to_owned();
            let page =
                move |sql: &E::Sql| presence::announcements(sql, &edge_id, &after, ANNOUNCEMENTS);
            let mut page = self.query(page).await?;
            let is_last = page.len() < ANNOUNCEMENTS;
            after = page.last_mut().map(|(stand, ..)| std::mem::take(stand)).unwrap_or_default();
            all.extend(page.into_iter().map(|(_, topic, one)| (topic, one)));
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn silent_edges(&self, limit: usize) -> Result<Vec<String>, Error> {
        self.query_at(move |sql, now| edge::silent(sql, now, limit)).await
    }

    async fn edge_parts(&self, after: &Place, limit: usize) -> Result<Vec<PartOfEdge>, Error> {
        let after = after.clone();
        self.query_at(move |sql, now| edge::parts(sql, &after, now, limit)).await
    }
}
