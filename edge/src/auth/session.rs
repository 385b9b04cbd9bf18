//! A user on one connection: who, and the token that says so. The token may be replaced by a fresh one
//! while everything that was granted goes on.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use roomcast_identity::User;

use super::DevUser;

/// A user on one connection.
pub struct Session {
    tenant: String,
    subject: String,
    shown: RwLock<Shown>,
}

/// What says who it is.
#[derive(Clone)]
enum Shown {
    /// Nothing: the edge itself.
    Nothing,
    /// The user's own token.
    Token { text: Arc<str>, id: Option<String>, expires_at: Option<u64> },
    /// A token that is minted whenever it is needed, for the user of a development server.
    Minted(DevUser),
}

impl Session {
    pub(super) fn of_token(user: &User, token: &str) -> Self {
        let id = user.token_id.clone();
        Self::new(user, Shown::Token { text: token.into(), id, expires_at: user.expires_at })
    }

    pub(super) fn of_dev(user: &User, dev: DevUser) -> Self {
        Self::new(user, Shown::Minted(dev))
    }

    /// The edge on its own behalf.
    pub(crate) fn of_edge() -> Self {
        let shown = RwLock::new(Shown::Nothing);
        Self { tenant: String::new(), subject: String::new(), shown }
    }

    fn new(user: &User, shown: Shown) -> Self {
        let (tenant, subject) = (user.tenant.clone(), user.id.clone());
        Self { tenant, subject, shown: RwLock::new(shown) }
    }

    /// Tenant of the user.
    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Id of the user.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }

    /// The token to show to the core.
    pub(crate) fn token(&self) -> Option<Arc<str>> {
        match &*self.shown.read().unwrap_or_else(PoisonError::into_inner) {
            Shown::Nothing => None,
            Shown::Token { text, .. } => Some(Arc::clone(text)),
            // Where none can be minted the core asks for none.
            Shown::Minted(dev) => dev.token().ok().flatten(),
        }
    }

    /// When the token's time is over, in Unix seconds.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        match &*self.shown.read().unwrap_or_else(PoisonError::into_inner) {
            Shown::Token { expires_at, .. } => *expires_at,
            Shown::Nothing | Shown::Minted(_) => None,
        }
    }

    /// Whether the token has this id.
    pub(super) fn is_under(&self, token_id: &str) -> bool {
        match &*self.shown.read().unwrap_or_else(PoisonError::into_inner) {
            Shown::Token { id, .. } => id.as_deref() == Some(token_id),
            Shown::Nothing | Shown::Minted(_) => false,
        }
    }

    /// Whether another session is of the same user.
    pub(crate) fn is_of_user_of(&self, other: &Session) -> bool {
        (&self.tenant, &self.subject) == (&other.tenant, &other.subject)
    }

    /// Goes on under the other session's token.
    pub(super) fn take_token_of(&self, fresh: &Session) {
        let shown = fresh.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("tenant", &self.tenant)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
