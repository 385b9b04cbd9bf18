//! What calls are about, found for callers who have the right to it that the row demands. What a row cannot
//! tell before the request is read is given closed: [`Member`] and [`Outlet`] open by what is wanted of
//! them, a [`Lease`] by its fence; a job to be is [`Placed`](super::membership::Placed).

use roomcast_proto::registry::Code;
use tonic::Status;

use super::wire::{check, publish};
use super::{membership, right};
use crate::auth::{Ask, Caller, On, Thing};
use crate::domain::project::{self, Role};
use crate::domain::right::Trail;
use crate::domain::topic::{self, Kind};
use crate::error::status;
use crate::store::Stored;
use crate::store::session::Outline;

// By the names that rows have for them.
pub(crate) type Nothing = ();
pub(crate) type Own = ();
pub(crate) type Place = ();
pub(crate) type Job = Stored;
pub(crate) type Session = Outline;
pub(crate) type Joined = Outline;
pub(crate) type Project = project::Project;
pub(crate) type Topic = topic::Topic;
pub(crate) type Room = topic::Topic;
pub(crate) type Log = topic::Topic;

/// The tenant of whose jobs a caller has leases: a user's own, the one that a service names, or none of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease(Option<String>);

/// A project, for whoever changes who is in it.
#[derive(Debug)]
pub(crate) struct Member {
    project: project::Project,
    /// The caller's role in it.
    role: Role,
    /// The same by membership alone.
    own: Option<Role>,
}

/// A topic, for whoever publishes to it.
#[derive(Debug)]
pub(crate) struct Outlet(topic::Topic);

impl Thing for () {
    async fn find(_: Ask<'_>, _: &str) -> Result<(), Status> {
        Ok(())
    }
}

impl Thing for Job {
    /// Who may not look at it finds none.
    async fn find(ask: Ask<'_>, id: &str) -> Result<Job, Status> {
        let id = check::job_id(id.to_owned())?;
        let stored = ask.log.store().job(&id).await.map_err(status)?;
        let stored = stored.ok_or_else(|| check::job_not_found(&id))?;
        let may = async |least| {
            let job = (&stored.record.job, least);
            right::may_use(ask.log, ask.caller, job, &mut Trail::none()).await
        };
        if !may(Role::Viewer).await? {
            return Err(check::job_not_found(&id));
        }
        let least = ask.on.least();
        if least > Role::Viewer && !may(least).await? {
            let message = format!("this takes role {} in the job's project", least.as_str());
            return Err(Code::PermissionDenied.status(message));
        }
        Ok(stored)
    }
}

impl Thing for Session {
    async fn find(ask: Ask<'_>, id: &str) -> Result<Session, Status> {
        if matches!(ask.on, On::Joined(_)) && ask.door.is_dev() {
            membership::improvise(ask.log, ask.caller, id).await?;
        }
        membership::session(ask.log, ask.caller, id, ask.on.least()).await
    }
}

impl Thing for project::Project {
    async fn find(ask: Ask<'_>, id: &str) -> Result<project::Project, Status> {
        membership::project(ask.log, ask.caller, id, ask.on.least()).await
    }
}

impl Thing for Member {
    async fn find(ask: Ask<'_>, id: &str) -> Result<Member, Status> {
        let project = membership::project(ask.log, ask.caller, id, Role::Viewer).await?;
        let own = membership::member(ask.log, ask.caller, &project.tenant, id).await?;
        let role = ask.caller.standing(&project.tenant).max(own).unwrap_or(Role::Viewer);
        Ok(Member { project, role, own })
    }
}

impl Member {
    /// What the caller is by membership alone.
    pub(super) fn own(&self) -> Option<Role> {
        self.own
    }

    /// The project, for its owners.
    pub(super) fn ruled(self) -> Result<project::Project, Status> {
        membership::require(self.role, Role::Owner).map(|()| self.project)
    }

    /// The project, for who leaves it: every member may.
    pub(super) fn left(self) -> project::Project {
        self.project
    }
}

impl Thing for topic::Topic {
    async fn find(ask: Ask<'_>, id: &str) -> Result<topic::Topic, Status> {
        let full = if ask.on == On::Room { format!("room:{id}") } else { id.to_owned() };
        let topic = publish::topic(ask.tenant, &full)?;
        if ask.on == On::Log && ask.caller.is_edge() {
            return Ok(topic);
        }
        if ask.door.is_dev() && topic.kind() == Kind::Session {
            membership::improvise(ask.log, ask.caller, topic.name()).await?;
        }
        let rules = (ask.log, ask.door);
        if right::may_read(rules, ask.caller, &topic, &mut Trail::none()).await? {
            return Ok(topic);
        }
        Err(right::refusal(&topic))
    }
}

impl Thing for Outlet {
    async fn find(ask: Ask<'_>, id: &str) -> Result<Outlet, Status> {
        let topic = publish::topic(ask.tenant, id)?;
        if !topic.kind().accepts_publishing() {
            let message =
                format!("{topic} is written by its service alone; publish to room: or user:");
            return Err(Code::TopicReserved.status(message));
        }
        if publish::is_view(&topic) {
            let message = format!("{topic} is a view of other rooms; publish to one of those");
            return Err(Code::TopicReserved.status(message));
        }
        Ok(Outlet(topic))
    }
}

impl Outlet {
    /// The topic, for a caller who may publish events of these types, and whether the room's own declaration
    /// gives that right for all of them.
    pub(super) fn open<'a>(
        self,
        caller: &Caller,
        types: impl IntoIterator<Item = &'a String>,
    ) -> Result<(topic::Topic, bool), Status> {
        let mut are_named = true;
        for kind in types {
            are_named &= caller.require_publisher(&self.0, kind)?;
        }
        Ok((self.0, are_named))
    }
}

impl Thing for Lease {
    async fn find(ask: Ask<'_>, _: &str) -> Result<Lease, Status> {
        Ok(Lease(ask.caller.workplace(ask.named)))
    }
}

impl Lease {
    pub(super) fn tenant(self) -> Option<String> {
        self.0
    }
}
