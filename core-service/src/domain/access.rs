//! Who may come in at all: revocations, users and tickets. Each is an entry, changed by a command;
//! a change that others must hear of is an event of [`Topic::access`](crate::domain::topic::Topic::access).

mod decide;
mod entry;
mod view;

#[cfg(test)]
mod tests;

pub use decide::{Command, Decision, Refusal, decide};
pub use entry::{Entry, Key, Revocation, Revoked, Table, Ticket, User};
pub use view::{Admission, Bearer, Denial, View};

use serde::{Deserialize, Serialize};

/// The type of the events.
pub const CHANGED: &str = "access.changed";

/// An event's content: what became of an entry, and whose rights are to be asked for anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The entry that changed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// What it became. None when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
    /// Whose rights may be less than before. None when they can only be more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched: Option<Touched>,
}

/// Rights: those that match everything that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Of this tenant.
    pub tenant: String,
    /// Of this subject.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Held under the token with this id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_id: String,
    /// On this topic, by its full name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// No right, but a connection that is to be ended.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub connection_id: String,
}

impl Touched {
    /// All rights of a subject.
    #[must_use]
    pub fn subject(tenant: &str, subject: &str) -> Touched {
        Touched { tenant: tenant.into(), subject: subject.into(), ..Touched::default() }
    }

    /// All rights held under a token.
    #[must_use]
    pub fn token(tenant: &str, token_id: &str) -> Touched {
        Touched { tenant: tenant.into(), token_id: token_id.into(), ..Touched::default() }
    }

    /// A subject's connection, which is to be ended.
    #[must_use]
    pub fn connection(tenant: &str, subject: &str, connection_id: &str) -> Touched {
        Touched { connection_id: connection_id.into(), ..Touched::subject(tenant, subject) }
    }
}
