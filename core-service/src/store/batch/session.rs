//! Projects and sessions in a batch: each command is decided on the rows that it touches, and written
//! with its events.

use std::sync::Arc;

use super::{Batch, Rows, Step};
use crate::domain::access::{Change as AccessChange, Touched};
use crate::domain::event::{self, NewEvent};
use crate::domain::project::{Project, Role};
use crate::domain::session::{Command, Event, Session};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;
use crate::store::Error;
use crate::store::commit::{self, Append, Committed};
use crate::store::session::{Action, Outcome, Refusal};
use crate::store::sql::session::Held;
use crate::store::sql::{copy, project, session, usage};

/// When a topic has ended that the next cleaning shall delete, whatever its retention.
const LONG_AGO: Time = Time(0);

impl<R: Rows> Batch<'_, R> {
    /// Decides and writes a command about projects and sessions.
    pub(super) fn change_session(
        &mut self,
        action: Action,
        trace: Option<TraceId>,
    ) -> Step<Committed, R> {
        let outcome = match action {
            Action::CreateProject(project) => self.create_project(project)?,
            Action::SetMember { project_id, user_id, role } => {
                self.set_member(&project_id, &user_id, role, trace)?
            }
            Action::DeleteProject { project_id } => self.delete_project(project_id, trace)?,
            Action::CreateSession(session) => self.create_session(session)?,
            Action::EraseSession { session_id, by } => self.erase_session(session_id, by, trace)?,
            Action::PutPart(part) => {
                copy::put_part(self.rows.sql(), &part, self.now)?;
                Outcome::Done
            }
            Action::Announce { topic, announced, core_id } => {
                let (spoken, unspoken) = self.spoken(announced, &core_id)?;
                Outcome::Announced { events: self.announce(topic, &spoken)?, unspoken }
            }
            Action::Attend(attend) => self.attend(attend)?,
            Action::Reap { edge_id, core_id } => self.reap(edge_id, core_id)?,
            Action::Command { session_id, command } => {
                let held = session::get_open(self.rows.sql(), &session_id)?;
                self.command(&held, command, trace)?
            }
        };
        Ok(Committed::Session { outcome: Box::new(outcome), is_replay: false })
    }

    fn create_project(&mut self, project: Project) -> Step<Outcome, R> {
        // Of one that was deleted the log may still be there, and would go with that of this one.
        let is_going = self.rows.head(&log_of(&project)?)?.ended_at.is_some();
        if is_going || project::get(self.rows.sql(), &project.project_id)?.is_some() {
            return Err(Refusal::Taken(project.project_id).into());
        }
        project::insert(self.rows.sql(), &project)?;
        Ok(Outcome::Project(project))
    }

    /// A right that is less than before is told in the same commit, so that no edge delivers on it.
    fn set_member(
        &mut self,
        project_id: &str,
        user_id: &str,
        role: Option<Role>,
        trace: Option<TraceId>,
    ) -> Step<Outcome, R> {
        let missing = || Refusal::ProjectNotFound(project_id.to_owned());
        let project = project::get(self.rows.sql(), project_id)?.ok_or_else(missing)?;
        let before = project::membership(self.rows.sql(), project_id, user_id)?;
        before.change(role).map_err(Refusal::Project)?;
        if role < before.role {
            let told = commit::access_append(&lost(&project, user_id))?;
            self.append(vec![told], trace)?;
        }
        project::put_member(self.rows.sql(), &project, user_id, role)?;
        Ok(Outcome::Done)
    }

    fn create_session(&mut self, session: Session) -> Step<Outcome, R> {
        if session::get(self.rows.sql(), &session.session_id)?.is_some() {
            return Err(Refusal::Taken(session.session_id).into());
        }
        if project::get(self.rows.sql(), &session.project_id)?.is_none() {
            return Err(Refusal::ProjectNotFound(session.project_id).into());
        }
        let topic = topic_of(&session)?;
        let head = self.rows.touch(&topic)?;
        if head.ended_at.is_some() {
            return Err(Refusal::Taken(session.session_id).into());
        }
        session::insert(self.rows.sql(), head.id, &session)?;
        Ok(Outcome::Session(session))
    }

    fn delete_project(&mut self, project_id: String, trace: Option<TraceId>) -> Step<Outcome, R> {
        let Some(project) = project::get(self.rows.sql(), &project_id)? else {
            return Err(Refusal::ProjectNotFound(project_id).into());
        };
        if project::has_sessions(self.rows.sql(), &project_id)? {
            return Err(Refusal::NotEmpty(project_id).into());
        }
        let mut told = Vec::new();
        for member in project::members(self.rows.sql(), &project_id)? {
            told.push(commit::access_append(&lost(&project, &member.user_id))?);
        }
        // A head that cannot be read refuses the command: before its first write.
        self.rows.head(&Topic::access())?;
        self.rows.end(&log_of(&project)?, LONG_AGO)?;
        project::delete(self.rows.sql(), &project_id)?;
        self.append(told, trace)?;
        Ok(Outcome::Done)
    }

    fn erase_session(
        &mut self,
        session_id: String,
        by: String,
        trace: Option<TraceId>,
    ) -> Step<Outcome, R> {
        let Some(held) = session::get(self.rows.sql(), &session_id)? else {
            return Err(Refusal::SessionNotFound(session_id).into());
        };
        let topic = topic_of(&held.session)?;
        self.rows.end(&topic, LONG_AGO)?;
        session::delete(self.rows.sql(), held.topic)?;
        usage::delete(self.rows.sql(), &held.session.project_id, &session_id)?;
        let first = self.events.len();
        if held.session.closed_at.is_none() {
            let closed = Event::Closed { by };
            let body = event::Body::Session(Arc::new(closed.clone()));
            let events = vec![NewEvent { kind: closed.kind().into(), body }];
            self.append(vec![Append { topic, events }], trace)?;
        }
        Ok(Outcome::Events(self.since(first)))
    }

    fn command(
        &mut self,
        held: &Held,
        command: Command,
        trace: Option<TraceId>,
    ) -> Step<Outcome, R> {
        let topic = topic_of(&held.session)?;
        // A head that cannot be read refuses the command: before its first write.
        self.rows.head(&topic)?;
        let events = match command {
            Command::Perform { graph, by, order } => self.perform(held.topic, graph, by, order)?,
            Command::Save(copied) => self.save(held.topic, copied)?,
            Command::Load(copied) => self.load(held.topic, copied)?,
            Command::Close { by } => self.close(held, by)?,
        };
        let topic = topic_of(&held.session)?;
        let first = self.events.len();
        if !events.is_empty() {
            let events = events.into_iter().map(|event| NewEvent {
                kind: event.kind().into(),
                body: event::Body::Session(Arc::new(event)),
            });
            self.append(vec![Append { topic, events: events.collect() }], trace)?;
        }
        Ok(Outcome::Events(self.since(first)))
    }

    fn close(&mut self, held: &Held, by: String) -> Step<Vec<Event>, R> {
        session::close(self.rows.sql(), held.topic, self.now)?;
        let topic = topic_of(&held.session)?;
        self.rows.end(&topic, self.now)?;
        Ok(vec![Event::Closed { by }])
    }
}

/// What all edges hear of a member who has a lesser right.
fn lost(project: &Project, user_id: &str) -> AccessChange {
    let touched = Touched::subject(&project.tenant, user_id);
    AccessChange { key: None, entry: None, touched: Some(touched) }
}

/// The topic of a project.
fn log_of(project: &Project) -> Result<Topic, Error> {
    Topic::new(&project.tenant, Kind::Project, &project.project_id)
        .map_err(|error| Error::Damaged(error.to_string()))
}

/// The topic of a session.
pub(super) fn topic_of(session: &Session) -> Result<Topic, Error> {
    Topic::new(&session.tenant, Kind::Session, &session.session_id)
        .map_err(|error| Error::Damaged(error.to_string()))
}
