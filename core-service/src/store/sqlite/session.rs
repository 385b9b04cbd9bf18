//! Projects and sessions in the writer's batch: each command is decided on the rows that it touches,
//! and written with its events.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::batch::Batch;
use super::failure::Failure;
use super::graph::{self, Body, Graph};
use super::read::page as read_page;
use super::row::{self, signed};
use super::{body, project};
use crate::domain::access::{Change as AccessChange, Touched};
use crate::domain::event::{self, Event as StoredEvent, NewEvent};
use crate::domain::graph::{
    Head, History, Limit, Order, Performed, Refusal as GraphRefusal, Stop, perform,
};
use crate::domain::limits;
use crate::domain::presence::Tally;
use crate::domain::project::{Project, Role};
use crate::domain::session::{Account, Command, Copied, Event, Kept, Session};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;
use crate::store::commit::{self, Append, Committed, Refusal};
use crate::store::session::{Action, Outcome, Refusal as SessionRefusal};
use crate::store::{Error, PageLimit};

/// When a topic has ended that the next cleaning shall delete, whatever its retention.
const LONG_AGO: Time = Time(0);

/// A session's row.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) topic: i64,
    pub(super) session: Session,
    pub(super) tally: Tally,
}

/// The columns of [`read`].
pub(super) const COLUMNS: &str =
    "topic, session_id, project_id, tenant, name, created_at, closed_at, participants, is_counted";

pub(super) fn read(found: &Row<'_>) -> rusqlite::Result<Held> {
    let session = Session {
        session_id: found.get(1)?,
        project_id: found.get(2)?,
        tenant: found.get(3)?,
        name: found.get(4)?,
        created_at: Time(row::unsigned(found, 5)?),
        closed_at: row::time(found, 6)?,
    };
    let tally = Tally { participants: row::unsigned(found, 7)?, is_counted: found.get(8)? };
    Ok(Held { topic: found.get(0)?, session, tally })
}

pub(super) fn get(connection: &Connection, session_id: &str) -> Result<Option<Held>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM session WHERE session_id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([session_id], read).optional()?)
}

/// The open session that a topic is the log of.
pub(super) fn open(connection: &Connection, topic: &Topic) -> Result<Held, Failure> {
    let found = get(connection, topic.name())?;
    let found = found.filter(|held| held.session.tenant == topic.tenant());
    is_open(found, topic.name().to_owned())
}

fn is_open(found: Option<Held>, session_id: String) -> Result<Held, Failure> {
    match found {
        None => Err(SessionRefusal::SessionNotFound(session_id).into()),
        Some(held) if held.session.closed_at.is_some() => {
            Err(SessionRefusal::Closed(session_id).into())
        }
        Some(held) => Ok(held),
    }
}

/// Writes how many are in a session.
pub(super) fn put_tally(connection: &Connection, topic: i64, tally: Tally) -> Result<(), Failure> {
    connection
        .prepare_cached("UPDATE session SET participants = ?2, is_counted = ?3 WHERE topic = ?1")?
        .execute(params![topic, signed(tally.participants), tally.is_counted])?;
    Ok(())
}

fn topic_of(session: &Session) -> Result<Topic, Failure> {
    Topic::new(&session.tenant, Kind::Session, &session.session_id)
        .map_err(|error| Error::Damaged(error.to_string()).into())
}

/// Events of a session's topic that were committed once.
pub(super) fn events(
    connection: &Connection,
    session_id: String,
    after: u64,
    count: u64,
) -> Result<Vec<Arc<StoredEvent>>, Failure> {
    let held = get(connection, &session_id)?;
    let held = held.ok_or(SessionRefusal::SessionNotFound(session_id))?;
    let events = usize::try_from(count).unwrap_or(usize::MAX);
    let limit = PageLimit { events, bytes: usize::MAX };
    Ok(read_page(connection, &topic_of(&held.session)?, after, limit)?.events)
}

impl From<SessionRefusal> for Failure {
    fn from(refusal: SessionRefusal) -> Failure {
        Refusal::Session(refusal).into()
    }
}

impl Batch<'_> {
    /// Decides and writes a command about projects and sessions.
    pub(super) fn change_session(
        &mut self,
        action: Action,
        trace: Option<TraceId>,
    ) -> Result<Committed, Failure> {
        let outcome = match action {
            Action::CreateProject(project) => self.create_project(project)?,
            Action::SetMember { project_id, user_id, role } => {
                self.set_member(&project_id, &user_id, role, trace)?
            }
            Action::DeleteProject { project_id } => self.delete_project(project_id, trace)?,
            Action::CreateSession(session) => self.create_session(session)?,
            Action::EraseSession { session_id, by } => self.erase_session(session_id, by, trace)?,
            Action::PutPart(part) => {
                body::put_part(self.connection, &part, self.now)?;
                Outcome::Done
            }
            Action::Announce { topic, announced } => self.announce(topic, &announced)?,
            Action::Command { session_id, command } => {
                let held = is_open(get(self.connection, &session_id)?, session_id)?;
                self.command(&held, command, trace)?
            }
        };
        Ok(Committed::Session { outcome, is_replay: false })
    }

    fn create_project(&mut self, project: Project) -> Result<Outcome, Failure> {
        if project::get(self.connection, &project.project_id)?.is_some() {
            return Err(SessionRefusal::Taken(project.project_id).into());
        }
        project::insert(self.connection, &project)?;
        Ok(Outcome::Project(project))
    }

    /// A right that is less than before is told in the same commit, so that no edge delivers on it.
    fn set_member(
        &mut self,
        project_id: &str,
        user_id: &str,
        role: Option<Role>,
        trace: Option<TraceId>,
    ) -> Result<Outcome, Failure> {
        let missing = || SessionRefusal::ProjectNotFound(project_id.to_owned());
        let project = project::get(self.connection, project_id)?.ok_or_else(missing)?;
        let before = project::membership(self.connection, project_id, user_id)?;
        before.change(role).map_err(SessionRefusal::Project)?;
        if role < before.role {
            let told = commit::access_append(&lost(&project, user_id))?;
            self.append(vec![told], trace)?;
        }
        project::put_member(self.connection, &project, user_id, role)?;
        Ok(Outcome::Done)
    }

    fn create_session(&mut self, session: Session) -> Result<Outcome, Failure> {
        if get(self.connection, &session.session_id)?.is_some() {
            return Err(SessionRefusal::Taken(session.session_id).into());
        }
        if project::get(self.connection, &session.project_id)?.is_none() {
            return Err(SessionRefusal::ProjectNotFound(session.project_id).into());
        }
        let topic = topic_of(&session)?;
        let head = self.memory.heads.touch(self.connection, &topic)?;
        if head.ended_at.is_some() {
            return Err(SessionRefusal::Taken(session.session_id).into());
        }
        let topic = head.id;
        self.connection
            .prepare_cached(
                "INSERT INTO session(topic, session_id, project_id, tenant, name, created_at)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                topic,
                session.session_id,
                session.project_id,
                session.tenant,
                session.name,
                signed(session.created_at.0),
            ])?;
        Ok(Outcome::Session(session))
    }

    fn delete_project(
        &mut self,
        project_id: String,
        trace: Option<TraceId>,
    ) -> Result<Outcome, Failure> {
        let Some(project) = project::get(self.connection, &project_id)? else {
            return Err(SessionRefusal::ProjectNotFound(project_id).into());
        };
        if project::has_sessions(self.connection, &project_id)? {
            return Err(SessionRefusal::NotEmpty(project_id).into());
        }
        let mut told = Vec::new();
        for member in project::members(self.connection, &project_id)? {
            told.push(commit::access_append(&lost(&project, &member.user_id))?);
        }
        let topic = Topic::new(&project.tenant, Kind::Project, &project_id)
            .map_err(|error| Error::Damaged(error.to_string()))?;
        self.memory.heads.touch(self.connection, &topic)?.end(Some(LONG_AGO));
        project::delete(self.connection, &project_id)?;
        self.append(told, trace)?;
        Ok(Outcome::Done)
    }

    fn erase_session(
        &mut self,
        session_id: String,
        by: String,
        trace: Option<TraceId>,
    ) -> Result<Outcome, Failure> {
        let Some(held) = get(self.connection, &session_id)? else {
            return Err(SessionRefusal::SessionNotFound(session_id).into());
        };
        let topic = topic_of(&held.session)?;
        self.memory.heads.touch(self.connection, &topic)?.end(Some(LONG_AGO));
        self.connection
            .prepare_cached("DELETE FROM session WHERE topic = ?1")?
            .execute([held.topic])?;
        let first = self.events.len();
        if held.session.closed_at.is_none() {
            let closed = Event::Closed { by };
            let body = event::Body::Session(Arc::new(closed.clone()));
            let events = vec![NewEvent { kind: closed.kind().into(), body }];
            self.append(vec![Append { topic, events }], trace)?;
        }
        Ok(Outcome::Events(self.events[first..].to_vec()))
    }

    fn command(
        &mut self,
        held: &Held,
        command: Command,
        trace: Option<TraceId>,
    ) -> Result<Outcome, Failure> {
        let topic = topic_of(&held.session)?;
        // A head that cannot be read refuses the command: before its first write.
        self.memory.heads.get(self.connection, &topic)?;
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
        Ok(Outcome::Events(self.events[first..].to_vec()))
    }

    /// A command, an undo or a redo, and what tells of it.
    fn perform(
        &mut self,
        topic: i64,
        name: String,
        by: String,
        order: Order,
    ) -> Result<Vec<Event>, Failure> {
        let graphs = graph::of_session(self.connection, topic)?;
        let (mut found, elsewhere) = find(graphs, &name);
        let account = Account::of(&order.wish, name, by, found.head.version);
        let performed = match self.look(&found, elsewhere, order) {
            Ok(performed) => performed,
            Err(Stop::Broken(failure)) => return Err(failure),
            Err(Stop::Refused(refusal)) => {
                return account.refused(refusal).map_err(|refusal| Refusal::Graph(refusal).into());
            }
        };
        found.head = performed.head;
        graph::put(self.connection, topic, &mut found)?;
        let body = Body { connection: self.connection, body: found.body };
        performed.changes.iter().try_for_each(|change| body.apply(change))?;
        if let Some((number, step)) = &performed.keep {
            graph::keep(self.connection, found.id, *number, step)?;
        }
        if let Some(number) = performed.forget {
            graph::forget(self.connection, found.id, number)?;
        }
        Ok(account.done(performed))
    }

    fn look(
        &self,
        found: &Graph,
        elsewhere: Elsewhere,
        order: Order,
    ) -> Result<Performed, Stop<Failure>> {
        let Elsewhere { bytes, graphs } = elsewhere;
        if found.id == 0 && graphs >= limits::GRAPHS_MAX {
            let (limit, max) = (Limit::Graphs, limits::GRAPHS_MAX);
            return Err(GraphRefusal::Full { limit, max }.into());
        }
        let body = Body { connection: self.connection, body: found.body };
        let step = |number| graph::step(self.connection, found.id, number);
        perform(&body, found.head, bytes, order, step)
    }

    fn save(&mut self, topic: i64, copied: Copied) -> Result<Vec<Event>, Failure> {
        body::take(self.connection, copied.body)?;
        let (version, names) = body::next_save(self.connection, topic, &copied.name)?;
        if version == 1 && names >= limits::SAVES_MAX {
            let (limit, max) = (Limit::Saves, limits::SAVES_MAX);
            return Err(Refusal::Graph(GraphRefusal::Full { limit, max }).into());
        }
        body::bind(self.connection, copied.body)?;
        body::save(self.connection, topic, &copied, version, self.now)?;
        Ok(vec![kept(copied, version, false, None)])
    }

    fn load(&mut self, topic: i64, copied: Copied) -> Result<Vec<Event>, Failure> {
        body::take(self.connection, copied.body)?;
        let graphs = graph::of_session(self.connection, topic)?;
        let (mut found, elsewhere) = find(graphs, &copied.graph);
        let full = |limit, max| Refusal::Graph(GraphRefusal::Full { limit, max });
        if found.id == 0 && elsewhere.graphs >= limits::GRAPHS_MAX {
            return Err(full(Limit::Graphs, limits::GRAPHS_MAX).into());
        }
        if elsewhere.bytes + copied.head.size.bytes > limits::SESSION_BYTES_MAX {
            return Err(full(Limit::Bytes, limits::SESSION_BYTES_MAX).into());
        }
        body::bind(self.connection, copied.body)?;
        if found.id != 0 {
            body::loosen(self.connection, found.body, self.now)?;
        }
        let version = found.head.version + 1;
        found.body = body::number(copied.body);
        found.head = Head { version, history: History::default(), size: copied.head.size };
        graph::put(self.connection, topic, &mut found)?;
        let save = copied.version;
        Ok(vec![kept(copied, save, true, Some(version))])
    }

    fn close(&mut self, held: &Held, by: String) -> Result<Vec<Event>, Failure> {
        self.connection
            .prepare_cached("UPDATE session SET closed_at = ?2, participants = 0 WHERE topic = ?1")?
            .execute(params![held.topic, signed(self.now.0)])?;
        let topic = topic_of(&held.session)?;
        self.memory.heads.touch(self.connection, &topic)?.end(Some(self.now));
        Ok(vec![Event::Closed { by }])
    }
}

/// What all edges hear of a member who has a lesser right.
fn lost(project: &Project, user_id: &str) -> AccessChange {
    let touched = Touched::subject(&project.tenant, user_id);
    AccessChange { key: None, entry: None, touched: Some(touched) }
}

fn kept(copied: Copied, version: u64, is_load: bool, graph_version: Option<u64>) -> Event {
    let Copied { graph, name, by, head, .. } = copied;
    let graph_version = graph_version.unwrap_or(head.version);
    Event::Kept(Kept { graph, name, version, is_load, by, graph_version })
}

/// What a session's other graphs take of its limits.
#[derive(Debug, Clone, Copy)]
struct Elsewhere {
    bytes: u64,
    graphs: u64,
}

/// The graph of this name, which may not be there yet, and what the others take.
fn find(graphs: Vec<Graph>, name: &str) -> (Graph, Elsewhere) {
    let (mut this, others): (Vec<_>, Vec<_>) =
        graphs.into_iter().partition(|graph| graph.name == name);
    let bytes = others.iter().map(|graph| graph.head.size.bytes).sum();
    let elsewhere = Elsewhere { bytes, graphs: others.len() as u64 };
    let new = || Graph { id: 0, name: name.to_owned(), body: 0, head: Head::default() };
    (this.pop().unwrap_or_else(new), elsewhere)
}
