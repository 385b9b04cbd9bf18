//! What a batch will touch, known before it begins: all of it is locked in one order, so that batches
//! of several cores wait for each other but never in a circle.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::connection::Connection;
use super::failure::Failure;
use super::heads::Heads;
use super::sql::read;
use crate::domain::job::{self, Limits};
use crate::domain::name::fingerprint;
use crate::domain::topic::{Kind, Topic, TopicSet};
use crate::store::commit::{Action, Command, job_topics};
use crate::store::edge::Attend;
use crate::store::session;

/// Jobs, sessions and projects of which something is remembered, of each so many.
const KNOWN_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("above zero");
/// Locks by name fall into so many slots: a batch holds a bounded number of them.
const SLOTS: u64 = 512;
/// Tells our locks from those of other programs in the database.
const SPACE: u64 = 0x726f_6f6d << 32;

/// What a batch will touch.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Shared with whoever takes turns.
    pub(super) topics: Arc<TopicSet>,
    /// Their rows, in the order in which they are locked; none if one is not known.
    pub(super) rows: Vec<(i64, Topic)>,
    /// Whether the batch may go by where they were left: it only appends, and nobody else was at them.
    pub(super) is_remembered: bool,
    /// Whether some of the topics may not be there yet.
    pub(super) makes_topics: bool,
    /// Locks of what is no topic: kinds with limits, projects, edges.
    pub(super) locks: BTreeSet<i64>,
    pub(super) jobs: Vec<String>,
    pub(super) keys: Vec<(String, String)>,
}

/// What a run has found out for the next one.
#[derive(Debug, Default)]
pub(super) struct More {
    pub(super) topics: Vec<Topic>,
    pub(super) makes_topics: bool,
    /// What is remembered was not so.
    pub(super) reads_first: bool,
}

/// What never changes of jobs, sessions and projects, by their ids; and topics, as they were left.
#[derive(Debug)]
pub(super) struct Planner {
    jobs: LruCache<String, (Vec<Topic>, String)>,
    sessions: LruCache<String, Topic>,
    projects: LruCache<String, Topic>,
    pub(super) heads: Heads,
}

impl Planner {
    pub(super) fn new() -> Planner {
        Planner {
            jobs: LruCache::new(KNOWN_MAX),
            sessions: LruCache::new(KNOWN_MAX),
            projects: LruCache::new(KNOWN_MAX),
            heads: Heads::new(),
        }
    }

    /// Forgets everything: it may come from a history that was lost.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
        self.sessions.clear();
        self.projects.clear();
        self.heads.clear();
    }

    /// Plans a batch. What it cannot foresee, the batch itself finds out.
    pub(super) fn plan(
        &mut self,
        connection: &Connection,
        commands: &[&Command],
        limits: &Limits,
        more: &More,
    ) -> Result<Plan, Failure> {
        self.learn(connection, commands)?;
        let mut plan = Plan { makes_topics: more.makes_topics, ..Plan::default() };
        plan.touched().reserve(commands.len());
        plan.touched().extend(more.topics.iter().cloned());
        for &Command { action, idempotency, .. } in commands {
            plan.keys.extend(idempotency.as_ref().map(|one| (one.scope.clone(), one.key.clone())));
            if let Action::Audited { entry, .. } = action {
                plan.touched().insert(entry.topic());
            }
            match action.bare() {
                Action::Publish { topic, .. } => {
                    plan.touched().insert(topic.clone());
                }
                Action::CreateJob { spec, taker, .. } => {
                    let project = spec.project.as_deref();
                    plan.touched().extend(job_topics(&spec.tenant, &spec.owner, project, &spec.id));
                    plan.makes_topics = true;
                    plan.jobs.push(spec.id.clone());
                    if taker.is_some() {
                        plan.limit(&spec.kind, limits);
                    }
                }
                Action::Job { job_id, command } => {
                    plan.jobs.push(job_id.clone());
                    if let Some((topics, kind)) = self.jobs.get(job_id) {
                        plan.touched().extend(topics.iter().cloned());
                        if matches!(command, job::Command::Lease { .. }) {
                            plan.limit(kind, limits);
                        }
                    }
                }
                Action::Access(_) => {
                    plan.touched().insert(Topic::access());
                }
                Action::Session(action) => self.plan_session(&mut plan, action),
                Action::Audited { .. } => {}
            }
        }
        self.heads.begin();
        let may_rely = !more.reads_first && connection.is_alone();
        plan.is_remembered = may_rely
            && commands.iter().all(|command| only_appends(command))
            && self.heads.rely(&plan.topics);
        if !plan.makes_topics && !plan.is_remembered {
            plan.rows = self.heads.rows(&plan.topics).unwrap_or_default();
        }
        Ok(plan)
    }

    fn plan_session(&mut self, plan: &mut Plan, action: &session::Action) {
        match action {
            session::Action::CreateProject(project) => {
                plan.project(&project.project_id);
                // Of one that was deleted the log may still be there.
                let topic = Topic::new(&project.tenant, Kind::Project, &project.project_id);
                plan.touched().extend(topic.ok());
                plan.makes_topics = true;
            }
            session::Action::SetMember { project_id, .. }
            | session::Action::DeleteProject { project_id } => {
                plan.project(project_id);
                plan.touched().insert(Topic::access());
                if matches!(action, session::Action::DeleteProject { .. }) {
                    plan.touched().extend(self.projects.get(project_id).cloned());
                }
            }
            session::Action::CreateSession(session) => {
                plan.project(&session.project_id);
                let topic = Topic::new(&session.tenant, Kind::Session, &session.session_id);
                plan.touched().extend(topic.ok());
                plan.makes_topics = true;
            }
            session::Action::Announce { topic, announced, .. } => {
                plan.touched().insert(topic.clone());
                announced.iter().for_each(|one| plan.lock("edge", &one.edge_id));
            }
            session::Action::Attend(Attend { edge_id, .. })
            | session::Action::Reap { edge_id, .. } => plan.lock("edge", edge_id),
            session::Action::EraseSession { session_id, .. }
            | session::Action::Command { session_id, .. } => {
                plan.touched().extend(self.sessions.get(session_id).cloned());
            }
            session::Action::PutPart(_) => {}
        }
    }

    /// Looks up the jobs, sessions and projects that are not known.
    fn learn(&mut self, connection: &Connection, commands: &[&Command]) -> Result<(), Failure> {
        let (mut jobs, mut sessions, mut projects) = (Vec::new(), Vec::new(), Vec::new());
        for Command { action, .. } in commands {
            match action.bare() {
                Action::Job { job_id, .. } if !self.jobs.contains(job_id) => jobs.push(job_id),
                Action::Session(action) => match &**action {
                    session::Action::Command { session_id, .. }
                    | session::Action::EraseSession { session_id, .. }
                        if !self.sessions.contains(session_id) =>
                    {
                        sessions.push(session_id);
                    }
                    session::Action::DeleteProject { project_id }
                        if !self.projects.contains(project_id) =>
                    {
                        projects.push(project_id);
                    }
                    session::Action::Command { .. }
                    | session::Action::EraseSession { .. }
                    | session::Action::CreateProject(_)
                    | session::Action::SetMember { .. }
                    | session::Action::DeleteProject { .. }
                    | session::Action::CreateSession(_)
                    | session::Action::PutPart(_)
                    | session::Action::Attend(_)
                    | session::Action::Reap { .. }
                    | session::Action::Announce { .. } => {}
                },
                Action::Publish { .. }
                | Action::CreateJob { .. }
                | Action::Job { .. }
                | Action::Access(_)
                | Action::Audited { .. } => {}
            }
        }
        if !jobs.is_empty() {
            let found = connection.query(
                "SELECT job_id, tenant, owner, project, kind FROM job WHERE job_id = ANY(?1)",
                &[&jobs],
            );
            for row in found.map_err(Failure::Engine)? {
                let row = read(&row)?;
                let (id, kind) = (row.text(0)?, row.text(4)?);
                let project = row.optional_text(3)?;
                let topics = job_topics(&row.text(1)?, &row.text(2)?, project.as_deref(), &id);
                self.jobs.push(id, (topics, kind));
            }
        }
        let sql = "SELECT session_id, tenant FROM session WHERE session_id = ANY(?1)";
        for (id, topic) in topics(connection, sql, &sessions, Kind::Session)? {
            self.sessions.push(id, topic);
        }
        let sql = "SELECT project_id, tenant FROM project WHERE project_id = ANY(?1)";
        for (id, topic) in topics(connection, sql, &projects, Kind::Project)? {
            self.projects.push(id, topic);
        }
        Ok(())
    }
}

/// Whether nothing is decided by anything but a topic's head.
fn only_appends(command: &Command) -> bool {
    matches!(&command.action, Action::Publish { events, .. } if !events.is_empty())
}

/// Ids and tenants that a statement finds, as topics of a kind.
fn topics(
    connection: &Connection,
    sql: &str,
    ids: &[&String],
    kind: Kind,
) -> Result<Vec<(String, Topic)>, Failure> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut topics = Vec::with_capacity(ids.len());
    for row in connection.query(sql, &[&ids]).map_err(Failure::Engine)? {
        let row = read(&row)?;
        let id = row.text(0)?;
        if let Ok(topic) = Topic::new(&row.text(1)?, kind, &id) {
            topics.push((id, topic));
        }
    }
    Ok(topics)
}

impl Plan {
    fn touched(&mut self) -> &mut TopicSet {
        Arc::make_mut(&mut self.topics)
    }

    fn limit(&mut self, kind: &str, limits: &Limits) {
        if limits.of(kind).is_some() {
            self.lock("kind", kind);
        }
    }

    fn project(&mut self, project_id: &str) {
        self.lock("project", project_id);
    }

    fn lock(&mut self, what: &str, name: &str) {
        let slot = fingerprint(&[what.as_bytes(), name.as_bytes()]) % SLOTS;
        self.locks.insert(i64::try_from(SPACE + slot).unwrap_or(i64::MAX));
    }
}
