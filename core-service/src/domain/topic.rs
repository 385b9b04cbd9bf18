//! A topic: a tenant's named, ordered log.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

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

/// A topic's identity: tenant, kind and name. Cheap to clone, to hash and to compare.
#[derive(Clone)]
pub struct Topic(Arc<Parts>);

struct Parts {
    /// The tenant, then `kind:name`.
    text: Box<str>,
    tenant_bytes: usize,
    kind: Kind,
    /// Of the text.
    hash: u64,
}

/// Names are chosen by callers: which of them meet in a table, none can foresee.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Finds topics by the hash that each of them carries.
pub type ByHash = BuildHasherDefault<CarriedHash>;

/// Some topics.
pub type TopicSet = HashSet<Topic, ByHash>;

/// The hash of what carries its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct CarriedHash(u64);

impl Hasher for CarriedHash {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
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
        Ok(Topic::of(tenant, kind, name))
    }

    fn of(tenant: &str, kind: Kind, name: &str) -> Topic {
        let text = [tenant, kind.as_str(), ":", name].concat().into_boxed_str();
        let hash = HASHES.hash_one(&text);
        Topic(Arc::new(Parts { text, tenant_bytes: tenant.len(), kind, hash }))
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
        Topic::of("", Kind::Access, "all")
    }

    /// The topic that tells what a tenant's operators did.
    #[must_use]
    pub fn audit(tenant: &str) -> Topic {
        Topic::of(tenant, Kind::Audit, AUDIT)
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
        &self.0.text[..self.0.tenant_bytes]
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// `kind:name`.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.0.text[self.0.tenant_bytes..]
    }

    /// The part after the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.full()[self.kind().as_str().len() + 1..]
    }

    fn key(&self) -> (&str, Kind, &str) {
        (self.tenant(), self.kind(), self.full())
    }
}

impl PartialEq for Topic {
    fn eq(&self, other: &Topic) -> bool {
        let (own, others) = (&*self.0, &*other.0);
        let are_alike = || own.tenant_bytes == others.tenant_bytes && own.text == others.text;
        Arc::ptr_eq(&self.0, &other.0) || (own.hash == others.hash && are_alike())
    }
}

impl Eq for Topic {}

impl Hash for Topic {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0.hash);
    }
}

impl Ord for Topic {
    fn cmp(&self, other: &Topic) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Topic {
    fn partial_cmp(&self, other: &Topic) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.full())
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.tenant(), self.full())
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
    fn a_topic_is_its_tenant_and_its_name() {
        let topic = |tenant, full| Topic::parse(tenant, full).expect("a topic");
        let (one, again) = (topic("acme", "room:x"), topic("acme", "room:x"));
        assert_eq!((&one, HASHES.hash_one(&one)), (&again, HASHES.hash_one(&again)));
        assert_eq!((one.tenant(), one.kind(), one.name()), ("acme", Kind::Room, "x"));
        for greater in [topic("acme", "room:y"), topic("acme", "user:x"), topic("acmf", "job:x")] {
            assert_eq!((one == greater, one.cmp(&greater)), (false, Ordering::Less), "{greater:?}");
        }
    }

    #[test]
    fn a_users_topic_exists_for_every_subject() {
        let topic = Topic::parse("acme", "user:auth0|7").expect("a topic");
        assert_eq!(topic.full(), "user:auth0.7c7");
        assert_eq!(Topic::parse("acme", topic.full()), Ok(topic));
    }
}
