//! A row of the table of calls: who may make a call, over which tenant, and on which thing with which
//! right.

use std::fmt;

use roomcast_identity::{Scope, User};
use roomcast_proto::registry::Code;
use tonic::Status;

use super::caller::Caller;
use crate::domain::project::Role;

/// What a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The service's name in the contract.
    pub service: &'static str,
    /// The call's name in the contract.
    pub call: &'static str,
    /// Who may make it at all.
    pub who: Who,
    /// Over which tenant it speaks.
    pub over: Over,
    /// What it is about, and with which right.
    pub on: On,
}

/// Who may make a call: these users, and services in their own name of one of these scopes. Scope `admin`
/// is every scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// Of the users.
    pub users: Users,
    /// Of the services.
    pub scopes: &'static [Scope],
}

/// Some of the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// None, whatever the role.
    Nobody,
    /// Those with the role admin.
    Admins,
    /// Those with the role admin or auditor.
    Auditors,
    /// All.
    Everybody,
}

/// Over which tenant a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// A user's own, the default one of a service.
    Own,
    /// A user's own, the one that a service names.
    Named,
    /// That of the thing, which a user finds in the own tenant alone.
    Found,
    /// A user's own; of a service the one that it names, or all.
    Workplace,
    /// All: such calls are not for users.
    All,
}

/// What a call is about, and the right to it that the caller has before its handler begins, unless it says
/// otherwise here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The tenant as a whole, or what is public in it.
    Nothing,
    /// A list: the caller's own, and of others' what the caller's role shows.
    Own,
    /// A job, with this role in its project; or as its owner, or a worker.
    Job(Role),
    /// A session, with this role in its project.
    Session(Role),
    /// Likewise. In development one that is not there is made.
    Joined(Role),
    /// A project, with this role in it.
    Project(Role),
    /// A member of a project: for its owners, and for whom it is. The handler gets the project for either.
    Member,
    /// A job to be: what it is made in takes the role editor, looked at with the whole of the job.
    Place,
    /// Leases: of jobs of the caller's tenant, by their fences.
    Lease,
    /// A topic, to read.
    Topic,
    /// Likewise, by the room's name.
    Room,
    /// Likewise. An edge in its own name reads any.
    Log,
    /// A topic, to publish to. The handler gets it by the types of the events.
    Outlet,
}

impl Who {
    /// Whoever is let in.
    pub const ANYBODY: Who =
        Who { users: Users::Everybody, scopes: &[Scope::Edge, Scope::Worker, Scope::Service] };
    /// Users alone: it is about their token.
    pub const USER: Who = Who { users: Users::Everybody, scopes: &[] };
    /// Whoever has something of the own. An edge creates for its users alone, a worker works.
    pub const AUTHOR: Who = Who { users: Users::Everybody, scopes: &[Scope::Service] };
    /// Likewise of jobs, which workers make of jobs.
    pub const CLIENT: Who =
        Who { users: Users::Everybody, scopes: &[Scope::Worker, Scope::Service] };
    /// Who sees what operators see.
    pub const OBSERVER: Who = Who { users: Users::Auditors, scopes: &[Scope::Service] };
    /// Who says who may come in.
    pub const WARDEN: Who = Who { users: Users::Admins, scopes: &[Scope::Service] };
    /// Who works.
    pub const WORKER: Who = Who { users: Users::Admins, scopes: &[Scope::Worker] };
    /// Edges, which speak for all tenants.
    pub const EDGE: Who = Who { users: Users::Nobody, scopes: &[Scope::Edge] };

    /// Whether a caller is one of these.
    pub(crate) fn has(self, caller: &Caller) -> bool {
        match caller.user() {
            Some(user) => self.users.has(user),
            None => self.scopes.iter().any(|scope| caller.has(*scope)),
        }
    }

    /// That a caller is one of these.
    pub(super) fn require(self, caller: &Caller) -> Result<(), Status> {
        match self.has(caller) {
            true => Ok(()),
            false if self == Who::USER => {
                Err(Code::Unauthenticated.status("this takes a user's token"))
            }
            false => Err(Code::PermissionDenied.status(format!("this takes {self}"))),
        }
    }
}

impl On {
    /// The role in a project that it takes.
    pub(crate) fn least(self) -> Role {
        match self {
            On::Job(least) | On::Session(least) | On::Joined(least) | On::Project(least) => least,
            On::Nothing | On::Own | On::Member | On::Place | On::Lease => Role::Owner,
            On::Topic | On::Room | On::Log | On::Outlet => Role::Owner,
        }
    }
}

impl Users {
    fn has(self, user: &User) -> bool {
        match self {
            Users::Nobody => false,
            Users::Admins => user.is_admin(),
            Users::Auditors => user.is_admin() || user.is_auditor(),
            Users::Everybody => true,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Who::ANYBODY {
            return formatter.write_str("whoever is let in");
        }
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        match (scopes.join(" or "), self.users) {
            (scopes, Users::Nobody) => write!(formatter, "scope {scopes}, and no user's token"),
            (scopes, users) if scopes.is_empty() => write!(formatter, "{users}"),
            (scopes, users) => write!(formatter, "{users}, or scope {scopes}"),
        }
    }
}

impl fmt::Display for Users {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Users::Nobody => "no user",
            Users::Admins => "role admin",
            Users::Auditors => "role admin or auditor",
            Users::Everybody => "a user",
        })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Over::Own => "the caller's",
            Over::Named => "the caller's; a service names one",
            Over::Found => "the thing's",
            Over::Workplace => "the caller's; a service names one, or serves all",
            Over::All => "all",
        })
    }
}

impl fmt::Display for On {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = |role: &Role| role.as_str();
        match self {
            On::Nothing => formatter.write_str("nothing"),
            On::Own => formatter.write_str("what is one's own, or the own role shows"),
            On::Job(least) => {
                write!(formatter, "the job: {} of its project, its owner, workers", role(least))
            }
            On::Session(least) | On::Joined(least) => {
                write!(formatter, "the session: {} of its project", role(least))
            }
            On::Project(least) => write!(formatter, "the project: {}", role(least)),
            On::Member => formatter.write_str(
                "the project: owner; a member for oneself, to leave or to stay what one is",
            ),
            On::Place => formatter
                .write_str("the session that is named: editor; the project: editor, workers"),
            On::Lease => formatter.write_str("jobs that one holds by their fence"),
            On::Topic | On::Room => formatter.write_str("the topic: who may read it"),
            On::Log => formatter.write_str("the topic: who may read it, edges"),
            On::Outlet => formatter.write_str("the topic: who may publish such events"),
        }
    }
}
