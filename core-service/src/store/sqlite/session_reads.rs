//! [`SessionStore`] of this engine: each answer is one short read.

use async_trait::async_trait;

use super::SqliteStore;
use crate::domain::cursor::Cursor;
use crate::domain::presence::{Announcement, Presence};
use crate::domain::project::{Member, Project, Role};
use crate::domain::session::{Session, State};
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::session::{Found, Listing, Outline, Save, SessionStore, Which};
use crate::store::sql::{presence, project, session, state};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn project(&self, project_id: &str) -> Result<Option<Project>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |store| project::get(store, &project_id)).await
    }

    async fn role(&self, project_id: &str, user_id: &str) -> Result<Option<Role>, Error> {
        let (project_id, user_id) = (project_id.to_owned(), user_id.to_owned());
        self.query(move |store| project::role(store, &project_id, &user_id)).await
    }

    async fn members(&self, project_id: &str) -> Result<Vec<Member>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |store| project::members(store, &project_id)).await
    }

    async fn projects(
        &self,
        tenant: &str,
        member: Option<&str>,
        listing: Listing,
    ) -> Result<Vec<Project>, Error> {
        let (tenant, member) = (tenant.to_owned(), member.map(str::to_owned));
        let list = move |store: &_| project::list(store, &tenant, member.as_deref(), &listing);
        self.query(list).await
    }

    async fn session(&self, session_id: &str) -> Result<Option<Outline>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |store| state::outline(store, &session_id)).await
    }

    async fn sessions(&self, project_id: &str, listing: Listing) -> Result<Vec<Session>, Error> {
        let project_id = project_id.to_owned();
        self.query(move |store| session::list(store, &project_id, &listing)).await
    }

    async fn session_state(&self, session_id: &str) -> Result<Option<(Cursor, State)>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |store| state::whole(store, &session_id)).await
    }

    async fn graph(&self, session_id: &str, which: Which) -> Result<Option<Found>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |store| state::one(store, &session_id, which)).await
    }

    async fn saves(&self, session_id: &str) -> Result<Vec<Save>, Error> {
        let session_id = session_id.to_owned();
        self.query(move |store| state::saves(store, &session_id)).await
    }

    async fn presence(&self, topic: &Topic) -> Result<Option<(Cursor, Presence)>, Error> {
        let topic = topic.clone();
        self.query(move |store| state::presence_of(store, &topic)).await
    }

    async fn announcements(&self) -> Result<Vec<(Topic, Announcement)>, Error> {
        self.query(presence::announcements).await
    }
}
