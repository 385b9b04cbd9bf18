use std::fmt;
use std::str::FromStr;

/// The audience of every service token.
pub const SERVICE_AUDIENCE: &str = "roomcast-core";

/// Who a service's token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Claim `sub`, for logs and metrics.
    pub name: String,
    /// Claim `scope`: which doors open.
    pub scopes: Vec<Scope>,
}

impl Service {
    /// Whether the token carries this scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A door of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Join and subscribe on behalf of users.
    Edge,
    /// Lease jobs and report on them; see and steer them in every tenant.
    Worker,
    /// See and do in every tenant what its administrators may.
    Service,
    /// See and do everything.
    Admin,
}

impl Scope {
    /// The word in the claim `scope`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Edge => "edge",
            Scope::Worker => "worker",
            Scope::Service => "service",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        match word {
            "edge" => Ok(Scope::Edge),
            "worker" => Ok(Scope::Worker),
            "service" => Ok(Scope::Service),
            "admin" => Ok(Scope::Admin),
            _ => Err(UnknownScope),
        }
    }
}

/// A word that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of edge, worker, service, admin")]
pub struct UnknownScope;
