//! What the edge shows at the core's door: a token it was given, or short-lived ones it mints itself.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderValue;
use roomcast_identity::{Scope, ServiceKeys};
use roomcast_proto::registry::Code;
use tonic::Status;

/// A minted token lives this long, and is replaced when half of it is over: clocks may differ, and a
/// stolen one is soon worthless.
const TOKEN_LIFE: Duration = Duration::from_secs(600);

/// The edge's own credential. Cheap to clone.
#[derive(Clone)]
pub struct Credential(Source);

#[derive(Clone)]
enum Source {
    None,
    Given(HeaderValue),
    Minted { keys: ServiceKeys, name: Arc<str>, last: Arc<Mutex<Option<(HeaderValue, Instant)>>> },
}

impl Credential {
    /// Metadata key of the credential.
    pub const HEADER: &'static str = "x-roomcast-service";

    /// Shows nothing: for a core that asks for nothing, as in development on loopback.
    #[must_use]
    pub fn none() -> Self {
        Self(Source::None)
    }

    /// Shows a token it was given.
    ///
    /// # Errors
    /// When the token cannot be a header's value.
    pub fn given(token: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut value = HeaderValue::from_str(token)?;
        value.set_sensitive(true);
        Ok(Self(Source::Given(value)))
    }

    /// Shows short-lived tokens minted with the services' secret.
    #[must_use]
    pub fn minted(keys: ServiceKeys, name: &str) -> Self {
        Self(Source::Minted { keys, name: name.into(), last: Arc::default() })
    }

    /// A core refused it: what is shown next is minted anew. A clock that was put right has made a token look
    /// older than it is, or not yet good.
    pub(super) fn forget(&self) {
        if let Source::Minted { last, .. } = &self.0 {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(super) fn header(&self) -> Result<Option<HeaderValue>, Status> {
        match &self.0 {
            Source::None => Ok(None),
            Source::Given(value) => Ok(Some(value.clone())),
            Source::Minted { keys, name, last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((value, minted_at)) = &*last
                    && minted_at.elapsed() < TOKEN_LIFE / 2
                {
                    return Ok(Some(value.clone()));
                }
                let value = mint(keys, name)?;
                *last = Some((value.clone(), Instant::now()));
                Ok(Some(value))
            }
        }
    }
}

fn mint(keys: &ServiceKeys, name: &str) -> Result<HeaderValue, Status> {
    let failed = || Code::Internal.status("the edge's service token could not be minted");
    let token = keys.mint(name, &[Scope::Edge], TOKEN_LIFE).map_err(|_| failed())?;
    let mut value = HeaderValue::from_str(&token).map_err(|_| failed())?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Source::None => "none",
            Source::Given(_) => "given",
            Source::Minted { .. } => "minted",
        };
        formatter.debug_tuple("Credential").field(&kind).finish()
    }
}

#[cfg(test)]
mod tests {
    use roomcast_identity::Secret;

    use super::*;

    #[test]
    fn a_token_is_shown_again_until_a_core_refuses_it() {
        let secret = Secret::new(&"s".repeat(32)).expect("long enough");
        let keys = ServiceKeys::new(vec![secret]).expect("a secret");
        let credential = Credential::minted(keys, "an edge");
        let show = || credential.header().expect("minted").expect("a token");
        let first = show();
        assert_eq!(show(), first);
        credential.forget();
        assert_ne!(show(), first);
    }
}
