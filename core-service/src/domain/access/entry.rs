//! What is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::time::Time;

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Revocations.
    Revocation,
    /// Registered users.
    User,
    /// Tickets that are not spent.
    Ticket,
}

/// An entry's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Where it lies.
    pub table: Table,
    /// Of which tenant. Tickets are of none: whoever spends one does not know yet.
    pub tenant: String,
    /// Its name there.
    pub name: String,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Tokens that are refused.
    Revocation(Revocation),
    /// Somebody who is registered.
    User(User),
    /// What stands for a token once.
    Ticket(Ticket),
}

/// Tokens that are refused before their time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The tenant.
    pub tenant: String,
    /// Which.
    pub revoked: Revoked,
    /// Forgotten after this.
    pub expires_at: Time,
    /// For people.
    pub reason: String,
    /// Who revoked.
    pub by: String,
    /// When.
    pub at: Time,
}

/// Which tokens are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// The one with this id.
    Token(String),
    /// Those of a subject that were issued until a moment.
    Subject {
        /// Whose.
        id: String,
        /// Issued until then.
        issued_until: Time,
    },
}

/// Somebody who is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The tenant.
    pub tenant: String,
    /// The subject of the user's tokens.
    pub id: String,
    /// For people.
    pub display_name: String,
    /// Whether every token is refused.
    pub is_disabled: bool,
    /// First registered.
    pub created_at: Time,
    /// Last changed.
    pub updated_at: Time,
}

/// What stands for a token once. The token is sealed with the ticket itself, which is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// A hash of the ticket.
    pub hash: String,
    /// The sealed token.
    pub sealed: Vec<u8>,
    /// Worth nothing after this.
    pub expires_at: Time,
}

impl Entry {
    /// The entry's identity.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Entry::Revocation(revocation) => revocation.key(),
            Entry::User(user) => Key::user(&user.tenant, &user.id),
            Entry::Ticket(ticket) => Key::ticket(&ticket.hash),
        }
    }

    /// When it may be forgotten, if ever.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        match self {
            Entry::Revocation(revocation) => Some(revocation.expires_at),
            Entry::User(_) => None,
            Entry::Ticket(ticket) => Some(ticket.expires_at),
        }
    }
}

impl Key {
    /// A revocation by its id.
    #[must_use]
    pub fn revocation(tenant: &str, id: &str) -> Key {
        Key { table: Table::Revocation, tenant: tenant.into(), name: id.into() }
    }

    /// A user.
    #[must_use]
    pub fn user(tenant: &str, id: &str) -> Key {
        Key { table: Table::User, tenant: tenant.into(), name: id.into() }
    }

    /// A ticket by its hash.
    #[must_use]
    pub fn ticket(hash: &str) -> Key {
        Key { table: Table::Ticket, tenant: String::new(), name: hash.into() }
    }
}

impl Revocation {
    /// The entry's identity.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::revocation(&self.tenant, &self.revoked.id())
    }
}

impl Revoked {
    /// Names the revocation, so that repeating one changes the entry that is there.
    #[must_use]
    pub fn id(&self) -> String {
        let (mark, name) = match self {
            Revoked::Token(id) => ('t', id),
            Revoked::Subject { id, .. } => ('s', id),
        };
        URL_SAFE_NO_PAD.encode(format!("{mark}{name}"))
    }

    /// What a revocation's id names; of a subject, nothing that was issued.
    pub(super) fn named(id: &str) -> Option<Revoked> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let issued_until = Time::default();
        match text.split_at_checked(1)? {
            ("t", id) => Some(Revoked::Token(id.into())),
            ("s", id) => Some(Revoked::Subject { id: id.into(), issued_until }),
            _ => None,
        }
    }
}
