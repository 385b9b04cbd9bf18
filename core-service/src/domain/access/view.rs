//! What the door asks at every call: the entries folded into tables to look up in.

use std::collections::HashMap;
use std::time::Duration;

use super::{Entry, Key, Revoked, Table};
use crate::domain::right::{Rule, Trail};
use crate::domain::time::Time;

/// Between two looks for what is past its time: while all entries are looked at nobody is let in.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Whoever shows a valid token.
    Any,
    /// Only those who are registered.
    Registered,
}

/// What a token says of its bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer<'token> {
    /// The tenant.
    pub tenant: &'token str,
    /// The subject.
    pub subject: &'token str,
    /// The token's id.
    pub token_id: Option<&'token str>,
    /// When it was issued, in whole seconds of Unix time.
    pub issued_at: Option<u64>,
}

/// Why a bearer is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The token, or all the subject's tokens up to a moment, were revoked.
    #[error("the token was revoked")]
    TokenRevoked,
    /// The user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The user is not registered, and must be.
    #[error("the user is not registered")]
    UserUnknown,
}

/// The entries that matter to the door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    tenants: HashMap<String, Tenant>,
    /// Not before this.
    forgets_at: Time,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tenant {
    /// Token ids, and when each is forgotten.
    tokens: HashMap<String, Time>,
    subjects: HashMap<String, Until>,
    /// Users, and whether each is disabled.
    users: HashMap<String, bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Until {
    issued: Time,
    expires_at: Time,
}

impl View {
    /// Takes in what became of an entry.
    pub fn apply(&mut self, key: &Key, entry: Option<&Entry>) {
        match entry {
            Some(entry) => self.put(entry),
            None => self.remove(key),
        }
    }

    /// Whether a bearer is let in at `now`.
    ///
    /// # Errors
    /// The denial.
    pub fn judge(
        &self,
        bearer: Bearer<'_>,
        admission: Admission,
        now: Time,
        trail: &mut Trail,
    ) -> Result<(), Denial> {
        let tenant = self.tenants.get(bearer.tenant);
        let is_token_revoked = tenant.zip(bearer.token_id).is_some_and(|(tenant, id)| {
            tenant.tokens.get(id).is_some_and(|expires_at| *expires_at > now)
        });
        let is_subject_revoked = tenant
            .and_then(|tenant| tenant.subjects.get(bearer.subject))
            .filter(|until| until.expires_at > now)
            // `iat` counts whole seconds: of the moment's own second all count as issued before it.
            .is_some_and(|until| {
                bearer.issued_at.is_none_or(|issued| issued.saturating_mul(1000) <= until.issued.0)
            });
        if trail.denies(Rule::Token, is_token_revoked, || match bearer.token_id {
            Some(id) if is_token_revoked => format!("the token {id} was revoked"),
            Some(id) => format!("the token {id} was not revoked"),
            None => "a token without an id is not revoked by one".into(),
        }) || trail.denies(Rule::Subject, is_subject_revoked, || match is_subject_revoked {
            true => "the subject's tokens issued until a later moment were revoked".into(),
            false => "no revocation of the subject covers the token".into(),
        }) {
            return Err(Denial::TokenRevoked);
        }
        let known = tenant.and_then(|tenant| tenant.users.get(bearer.subject));
        let denial = match known {
            Some(true) => Some(Denial::UserDisabled),
            None if admission == Admission::Registered => Some(Denial::UserUnknown),
            Some(false) | None => None,
        };
        trail.denies(Rule::Registration, denial.is_some(), || match (known, admission) {
            (Some(true), _) => "the user is disabled".into(),
            (Some(false), _) => "the user is registered".into(),
            (None, Admission::Registered) => "the user is not registered, and must be".into(),
            (None, Admission::Any) => "the user needs no registration".into(),
        });
        denial.map_or(Ok(()), Err)
    }

    /// Forgets revocations whose time is over, once in a while.
    pub fn forget(&mut self, now: Time) {
        if now < self.forgets_at {
            return;
        }
        self.forgets_at = now + FORGET_INTERVAL;
        for tenant in self.tenants.values_mut() {
            tenant.tokens.retain(|_, expires_at| *expires_at > now);
            tenant.subjects.retain(|_, until| until.expires_at > now);
        }
        self.tenants.retain(|_, tenant| !tenant.is_empty());
    }

    /// How many entries of a table there are.
    #[must_use]
    pub fn count(&self, table: Table) -> usize {
        self.tenants.values().map(|tenant| tenant.count(table)).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.values().all(Tenant::is_empty)
    }

    fn put(&mut self, entry: &Entry) {
        match entry {
            Entry::Revocation(revocation) => {
                let tenant = self.tenants.entry(revocation.tenant.clone()).or_default();
                let expires_at = revocation.expires_at;
                match &revocation.revoked {
                    Revoked::Token(id) => drop(tenant.tokens.insert(id.clone(), expires_at)),
                    Revoked::Subject { id, issued_until } => {
                        let until = Until { issued: *issued_until, expires_at };
                        tenant.subjects.insert(id.clone(), until);
                    }
                }
            }
            Entry::User(user) => {
                let tenant = self.tenants.entry(user.tenant.clone()).or_default();
                tenant.users.insert(user.id.clone(), user.is_disabled);
            }
            Entry::Ticket(_) => {}
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(tenant) = self.tenants.get_mut(&key.tenant) else { return };
        match key.table {
            Table::Revocation => match Revoked::named(&key.name) {
                Some(Revoked::Token(id)) => drop(tenant.tokens.remove(&id)),
                Some(Revoked::Subject { id, .. }) => drop(tenant.subjects.remove(&id)),
                None => {}
            },
            Table::User => drop(tenant.users.remove(&key.name)),
            Table::Ticket => {}
        }
    }
}

impl Tenant {
    fn count(&self, table: Table) -> usize {
        match table {
            Table::Revocation => self.tokens.len() + self.subjects.len(),
            Table::User => self.users.len(),
            Table::Ticket => 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.subjects.is_empty() && self.users.is_empty()
    }
}
