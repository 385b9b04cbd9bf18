//! What a command makes of the entry that is there.

use super::{Change, Entry, Key, Revocation, Revoked, Table, Ticket, Touched, User};
use crate::domain::time::Time;

/// Something to do to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Refuse tokens from now on.
    Revoke(Revocation),
    /// Take a revocation back.
    Lift {
        /// Whose.
        tenant: String,
        /// Which.
        id: String,
    },
    /// Register a user, or rename one.
    PutUser {
        /// Whose.
        tenant: String,
        /// Which.
        id: String,
        /// For people.
        display_name: String,
    },
    /// Shut a user out, or let one in again.
    SetDisabled {
        /// Whose.
        tenant: String,
        /// Which.
        id: String,
        /// Whether to shut out.
        is_disabled: bool,
    },
    /// Forget a user.
    DeleteUser {
        /// Whose.
        tenant: String,
        /// Which.
        id: String,
    },
    /// Have rights asked for anew.
    Recheck(Touched),
    /// Have a connection ended by the edge that it is at.
    Disconnect {
        /// Of which tenant.
        tenant: String,
        /// Whose.
        user_id: String,
        /// Which.
        connection_id: String,
    },
    /// Keep a ticket.
    IssueTicket(Ticket),
    /// Take a ticket away, once.
    SpendTicket {
        /// Its hash.
        hash: String,
    },
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The entry as it is to be; none means that it goes.
    pub entry: Option<Entry>,
    /// What others must hear.
    pub change: Option<Change>,
}

/// Why a command is not to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such entry.
    #[error("{}", match .0 {
        Table::Revocation => "no such revocation",
        Table::User => "no such user",
        Table::Ticket => "the ticket was spent, is over, or never was one",
    })]
    NotFound(Table),
}

impl Command {
    /// The entry it is about, if it is about one.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Some(match self {
            Command::Revoke(revocation) => revocation.key(),
            Command::Lift { tenant, id } => Key::revocation(tenant, id),
            Command::PutUser { tenant, id, .. }
            | Command::SetDisabled { tenant, id, .. }
            | Command::DeleteUser { tenant, id } => Key::user(tenant, id),
            Command::IssueTicket(ticket) => Key::ticket(&ticket.hash),
            Command::SpendTicket { hash } => Key::ticket(hash),
            Command::Recheck(_) | Command::Disconnect { .. } => return None,
        })
    }
}

/// Decides a command about the entry `known`.
///
/// # Errors
/// When there is no entry and there must be one.
pub fn decide(known: Option<Entry>, command: Command, now: Time) -> Result<Decision, Refusal> {
    let known = known.filter(|entry| entry.expires_at().is_none_or(|end| end > now));
    let key = command.key();
    Ok(match command {
        Command::Revoke(new) => {
            let touched = match &new.revoked {
                Revoked::Token(id) => Touched::token(&new.tenant, id),
                Revoked::Subject { id, .. } => Touched::subject(&new.tenant, id),
            };
            let entry = Entry::Revocation(extended(known, new));
            told(key, Some(entry), Some(touched))
        }
        Command::Lift { .. } => {
            known.ok_or(Refusal::NotFound(Table::Revocation))?;
            told(key, None, None)
        }
        Command::PutUser { tenant, id, display_name } => {
            let user = match known {
                Some(Entry::User(user)) => User { display_name, updated_at: now, ..user },
                Some(Entry::Revocation(_) | Entry::Ticket(_)) | None => User {
                    tenant,
                    id,
                    display_name,
                    is_disabled: false,
                    created_at: now,
                    updated_at: now,
                },
            };
            told(key, Some(Entry::User(user)), None)
        }
        Command::SetDisabled { tenant, id, is_disabled } => {
            let Some(Entry::User(user)) = known else {
                return Err(Refusal::NotFound(Table::User));
            };
            let touched = is_disabled.then(|| Touched::subject(&tenant, &id));
            told(key, Some(Entry::User(User { is_disabled, updated_at: now, ..user })), touched)
        }
        Command::DeleteUser { tenant, id } => {
            known.ok_or(Refusal::NotFound(Table::User))?;
            told(key, None, Some(Touched::subject(&tenant, &id)))
        }
        Command::Recheck(touched) => told(None, None, Some(touched)),
        Command::Disconnect { tenant, user_id, connection_id } => {
            told(None, None, Some(Touched::connection(&tenant, &user_id, &connection_id)))
        }
        Command::IssueTicket(ticket) => {
            Decision { entry: Some(Entry::Ticket(ticket)), change: None }
        }
        Command::SpendTicket { .. } => {
            known.ok_or(Refusal::NotFound(Table::Ticket))?;
            Decision { entry: None, change: None }
        }
    })
}

/// A repeated revocation never revokes less, nor for a shorter time.
fn extended(known: Option<Entry>, mut new: Revocation) -> Revocation {
    let Some(Entry::Revocation(known)) = known else { return new };
    new.expires_at = new.expires_at.max(known.expires_at);
    if let (
        Revoked::Subject { issued_until, .. },
        Revoked::Subject { issued_until: until_known, .. },
    ) = (&mut new.revoked, &known.revoked)
    {
        *issued_until = (*issued_until).max(*until_known);
    }
    new
}

fn told(key: Option<Key>, entry: Option<Entry>, touched: Option<Touched>) -> Decision {
    Decision { entry: entry.clone(), change: Some(Change { key, entry, touched }) }
}
