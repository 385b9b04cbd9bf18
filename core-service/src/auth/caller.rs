//! Who calls, and what a caller may by role and scope alone.

use std::net::IpAddr;
use std::sync::Arc;

use roomcast_identity::{DEFAULT_TENANT, Scope, Service, User};
use roomcast_proto::registry::Code;
use tonic::Status;

use crate::domain::job::Job;
use crate::domain::project::Role;
use crate::domain::room::{Asking, Rooms};
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;

/// A caller, after the door.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The trace that the call belongs to.
    pub trace: Option<TraceId>,
    pub(super) rooms: Arc<Rooms>,
    /// Where the call comes from: what an edge says of its client, else the peer.
    pub(super) from: Option<IpAddr>,
}

/// Who acts.
#[derive(Debug, Clone)]
pub enum Principal {
    /// A user, through an edge or directly.
    User(User),
    /// A service on its own behalf.
    Service(Service),
}

impl Caller {
    /// Whose name stands in records: the user's id or the service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.principal {
            Principal::User(user) => &user.id,
            Principal::Service(service) => &service.name,
        }
    }

    pub(super) fn has(&self, scope: Scope) -> bool {
        match &self.principal {
            Principal::User(user) => user.is_admin(),
            Principal::Service(service) => {
                service.scopes.contains(&scope) || service.scopes.contains(&Scope::Admin)
            }
        }
    }

    /// The tenant a request is about: a user's own, or the one a service names.
    #[must_use]
    pub fn tenant<'a>(&'a self, named: &'a str) -> &'a str {
        match &self.principal {
            Principal::User(user) => &user.tenant,
            Principal::Service(_) if named.is_empty() => DEFAULT_TENANT,
            Principal::Service(_) => named,
        }
    }

    /// The tenant whose jobs a worker gets: a user's own, the one that a service names, or none of all.
    #[must_use]
    pub fn workplace(&self, named: &str) -> Option<String> {
        match &self.principal {
            Principal::User(user) => Some(user.tenant.clone()),
            Principal::Service(_) => Some(named.to_owned()).filter(|named| !named.is_empty()),
        }
    }

    /// The owner of what is to be created: the caller, or whom a service or admin names.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn owner<'a>(&'a self, named: &'a str) -> Result<&'a str, Status> {
        if named.is_empty() || named == self.name() {
            return Ok(self.name());
        }
        if self.has(Scope::Service) {
            return Ok(named);
        }
        Err(Code::PermissionDenied
            .status("owner: users create for themselves; a service or an admin, for anybody"))
    }

    /// Whether the caller steers everybody's jobs of its tenant.
    #[must_use]
    pub fn steers_all_jobs(&self) -> bool {
        self.has(Scope::Service) || self.has(Scope::Worker)
    }

    /// Whether the caller sees everybody's jobs of its tenant.
    #[must_use]
    pub fn sees_all_jobs(&self) -> bool {
        self.steers_all_jobs() || self.user().is_some_and(User::is_auditor)
    }

    /// Whether it is a worker, which sees and steers the jobs of every tenant.
    #[must_use]
    pub fn works(&self) -> bool {
        self.user().is_none() && self.has(Scope::Worker)
    }

    /// Whether a job is the caller's own.
    #[must_use]
    pub fn owns(&self, job: &Job) -> bool {
        self.user().is_some_and(|user| user.tenant == job.spec.tenant && user.id == job.spec.owner)
    }

    /// What the caller may do with every thing of a tenant, whosever it is.
    #[must_use]
    pub fn standing(&self, tenant: &str) -> Option<Role> {
        match &self.principal {
            Principal::User(user) if user.tenant != tenant => None,
            Principal::User(user) if user.is_admin() => Some(Role::Owner),
            Principal::User(user) => user.is_auditor().then_some(Role::Viewer),
            Principal::Service(_) => self.has(Scope::Service).then_some(Role::Owner),
        }
    }

    /// Whether it is an administrator, whose acts on what is others' are told of.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        match &self.principal {
            Principal::User(user) => user.is_admin(),
            Principal::Service(service) => service.scopes.contains(&Scope::Admin),
        }
    }

    /// Where the call comes from, if that is known.
    #[must_use]
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// The declared rooms.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Who a room is asked for, if it is a user.
    #[must_use]
    pub fn asking(&self) -> Option<Asking<'_>> {
        self.user().map(asking)
    }

    /// The user who calls, if one does.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match &self.principal {
            Principal::User(user) => Some(user),
            Principal::Service(_) => None,
        }
    }

    /// Whether an edge calls on its own behalf: it may follow any topic, since it delivers nothing
    /// that the core has not granted to a user.
    #[must_use]
    pub fn is_edge(&self) -> bool {
        matches!(self.principal, Principal::Service(_)) && self.has(Scope::Edge)
    }

    /// Requires the right to publish an event of this type to a topic. Answers whether the room's own
    /// declaration gives it.
    ///
    /// # Errors
    /// `permission_denied`, also where there is no such room.
    pub fn require_publisher(&self, topic: &Topic, kind: &str) -> Result<bool, Status> {
        let room = self.rooms.get(topic.name()).filter(|_| topic.kind() == Kind::Room);
        let is_named =
            room.zip(self.asking()).is_some_and(|(room, user)| room.may_publish(user, kind));
        if is_named {
            return Ok(true);
        }
        if self.has(Scope::Service) {
            return Ok(false);
        }
        Err(Code::PermissionDenied.status(format!(
            "publishing this to {topic} takes scope service, role admin, or a right that the room gives"
        )))
    }
}

fn asking(user: &User) -> Asking<'_> {
    Asking { user: &user.id, roles: &user.roles }
}
