//! Who is calling, and from which page.

mod caller;
mod deafness;
mod hearing;
mod origin;
mod rights;
mod session;
mod standing;

pub use caller::Caller;
pub(crate) use deafness::tell_of_deafness;
pub(crate) use hearing::listen;
pub use origin::Origins;
pub(crate) use origin::guard;
pub use rights::Rights;
pub(crate) use rights::{HEARD_FOR, Hold};
pub use session::Session;
pub(crate) use standing::{Notice, Readable, Refused, Standing};

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, header};
use roomcast_identity::{
    ConfigError, Error, Intended, MintError, Secret, User, UserKeys, mint_user_for,
};
use roomcast_runtime::trace::TraceContext;

use crate::config::{AuthMode, Config};

/// The user `dev` is asserted to the core for this long at a time.
const DEV_TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// A user and the token that says so.
#[derive(Clone)]
pub struct Identity {
    /// Who.
    pub user: User,
    session: Arc<Session>,
}

impl Identity {
    /// A caller on this user's behalf.
    #[must_use]
    pub fn caller(&self, trace: TraceContext) -> Caller {
        Caller { session: Arc::clone(&self.session), trace, client: None }
    }

    /// The user on the connection that showed the token.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// Verifies users' tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth {
    keys: UserKeys,
    dev: Option<DevUser>,
}

impl Auth {
    /// With the keys of the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] when a secret or the JWKS URL is not usable.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let dev = (config.auth == AuthMode::Dev).then(|| DevUser::new(config));
        Ok(Self { keys: UserKeys::new(config.user_keys())?, dev })
    }

    /// Who a token speaks for. Without a token: nobody, or the user `dev` in development.
    ///
    /// # Errors
    /// [`Error`] when the token is missing, not valid or over.
    pub async fn identify(&self, token: Option<&str>) -> Result<Identity, Error> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return self.dev.as_ref().ok_or(Error::Missing)?.identity();
        };
        let user = self.keys.verify(token).await?;
        let session = Arc::new(Session::of_token(&user, token));
        Ok(Identity { user, session })
    }

    /// Who the token in `Authorization: Bearer` speaks for.
    ///
    /// # Errors
    /// As [`Auth::identify`].
    pub async fn identify_headers(&self, headers: &HeaderMap) -> Result<Identity, Error> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return self.identify(None).await;
        };
        let token = value
            .to_str()
            .ok()
            .and_then(roomcast_identity::bearer)
            .ok_or_else(|| Error::Invalid("the header is not `Bearer TOKEN`".to_owned()))?;
        self.identify(Some(token)).await
    }
}

/// The user that a missing token stands for in development. The core verifies tokens itself, so the
/// edge shows it one.
#[derive(Clone)]
struct DevUser {
    secret: Option<Secret>,
    intended: Intended,
    last: Arc<Mutex<Option<Minted>>>,
}

/// A token and when it was minted.
type Minted = (Arc<str>, Instant);

impl DevUser {
    fn new(config: &Config) -> Self {
        Self {
            secret: config.jwt_secret.first().cloned(),
            intended: Intended {
                issuer: config.jwt_issuer.clone(),
                audience: config.jwt_audience.clone(),
            },
            last: Arc::default(),
        }
    }

    fn identity(&self) -> Result<Identity, Error> {
        self.token().map_err(|error| Error::Invalid(error.to_string()))?;
        let user = User::dev();
        let session = Arc::new(Session::of_dev(&user, self.clone()));
        Ok(Identity { user, session })
    }

    fn token(&self) -> Result<Option<Arc<str>>, MintError> {
        let Some(secret) = &self.secret else { return Ok(None) };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, minted_at)) = &*last
            && minted_at.elapsed() < DEV_TOKEN_LIFE / 2
        {
            return Ok(Some(Arc::clone(token)));
        }
        let token: Arc<str> =
            mint_user_for(secret, &User::dev(), DEV_TOKEN_LIFE, &self.intended)?.into();
        *last = Some((Arc::clone(&token), Instant::now()));
        Ok(Some(token))
    }
}

impl fmt::Debug for DevUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DevUser").field("is_asserted", &self.secret.is_some()).finish()
    }
}

#[cfg(test)]
mod tests;
