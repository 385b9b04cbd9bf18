//! A topic: a tenant's named, ordered log.

use std::fmt;
use std::sync::Arc;

use crate::domain::name;

/// What a topic is the log of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// One job.
    Job,
    /// One session.
    Session,
    /// What happens in a project.
    Project,
    /// Anything that is published.
    Room,
    /// What concerns one user.
    User,
    /// What operators did. Written by the core alone.
    Audit,
    /// Who may come in. The core's own: no name of a caller's leads here.
    Access,
}

impl Kind {
    /// The part of the full name before the colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Job => "job",
            Kind::Session => "session",
            Kind::Project => "project",
            Kind::Room => "room",
            Kind::User => "user",
            Kind::Audit => "audit",
            Kind::Access => "access",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Kind> {
        match name {
            "job" => Some(Kind::Job),
            "session" => Some(Kind::Session),
            "project" => Some(Kind::Project),
            "room" => Some(Kind::Room),
            "user" => Some(Kind::User),
            "audit" => Some(Kind::Audit),
            _ => None,
        }
    }

    /// Whether anybody with the right may publish here, and not only the service that owns it.
    #[must_use]
    pub fn accepts_publishing(self) -> bool {
        matches!(self, Kind::Room | Kind::User)
    }
}

/// A topic's identity: tenant, kind and name. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic {
    tenant: Arc<str>,
    kind: Kind,
    full: Arc<str>,
}

/// The one name of an audit topic.
const AUDIT: &str = "log";

/// Why a full name is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a topic is kind:name with kind job, session, project, room or user and name [A-Za-z0-9_.-]{{1,128}}, or audit:log"
)]
pub struct NotATopic;

impl Topic {
    /// The topic `kind:name` of a tenant.
    ///
    /// # Errors
    /// When `name` is not a name.
    pub fn new(tenant: &str, kind: Kind, name: &str) -> Result<Topic, NotATopic> {
        if !name::is_name(name) {
            return Err(NotATopic);
        }
        Ok(Topic { tenant: tenant.into(), kind, full: format!("{}:{name}", kind.as_str()).into() })
    }

    /// Reads a full name such as `room:metrics`. The name of a `user:` topic may be any user's id:
    /// it is escaped.
    ///
    /// # Errors
    /// When it is not a topic's full name.
    pub fn parse(tenant: &str, full: &str) -> Result<Topic, NotATopic> {
        let (kind, name) = full.split_once(':').ok_or(NotATopic)?;
        let kind = Kind::parse(kind).ok_or(NotATopic)?;
        match kind {
            Kind::User if !name::is_name(name) => Topic::user(tenant, name),
            Kind::Audit if name != AUDIT => Err(NotATopic),
            Kind::Job
            | Kind::Session
            | Kind::Project
            | Kind::Room
            | Kind::User
            | Kind::Audit
            | Kind::Access => Topic::new(tenant, kind, name),
        }
    }

    /// The topic that tells of changes of who may come in, for all tenants.
    #[must_use]
    pub fn access() -> Topic {
        Topic { tenant: "".into(), kind: Kind::Access, full: "access:all".into() }
    }

    /// The topic that tells what a tenant's operators did.
    #[must_use]
    pub fn audit(tenant: &str) -> Topic {
        let full = format!("{}:{AUDIT}", Kind::Audit.as_str());
        Topic { tenant: tenant.into(), kind: Kind::Audit, full: full.into() }
    }

    /// The topic of a user, whatever characters the user's id has.
    ///
    /// # Errors
    /// When the id is empty or too long.
    pub fn user(tenant: &str, user_id: &str) -> Result<Topic, NotATopic> {
        Topic::new(tenant, Kind::User, &name::escape(user_id).ok_or(NotATopic)?)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `kind:name`.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The part after the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.full[self.kind.as_str().len() + 1..]
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.full)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.tenant, self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_is_a_kind_and_a_name() {
        let topic = Topic::parse("acme", "room:metrics").expect("a topic");
        assert_eq!(
            (topic.kind(), topic.name(), topic.full()),
            (Kind::Room, "metrics", "room:metrics")
        );
        for wrong in
            ["metrics", "room:", "room:a b", "lobby:x", "room:ä", ":", "audit:x", "access:all"]
        {
            assert_eq!(Topic::parse("acme", wrong), Err(NotATopic), "{wrong}");
        }
    }

    #[test]
    fn a_users_topic_exists_for_every_subject() {
        let topic = Topic::parse("acme", "user:auth0|7").expect("a topic");
        assert_eq!(topic.full(), "user:auth0.7c7");
        assert_eq!(Topic::parse("acme", topic.full()), Ok(topic));
    }
}
