use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};

use crate::jwks::{Jwks, Timing};
use crate::secret::check_rotation;
use crate::token::{BoundKey, Demands, header, verify};
use crate::{ConfigError, Error, Secret, User};

/// Clocks that are further apart are a fault to mend.
pub const LEEWAY_MAX: Duration = Duration::from_secs(30);

/// What users' tokens are verified with. Empty means that no token can be valid.
#[derive(Debug, Clone)]
pub struct UserKeysConfig {
    /// HS256 secrets: one, or the new one and the old one during a rotation.
    pub secrets: Vec<Secret>,
    /// Where the issuer publishes its public keys: https, or http on loopback.
    pub jwks_url: Option<String>,
    /// When set, claim `iss` must be this.
    pub issuer: Option<String>,
    /// When set, claim `aud` must be or contain this.
    pub audience: Option<String>,
    /// How far the issuer's clock may be off, at most 30 s.
    pub leeway: Duration,
}

impl Default for UserKeysConfig {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            jwks_url: None,
            issuer: None,
            audience: None,
            leeway: LEEWAY_MAX,
        }
    }
}

/// The keys of users' tokens.
#[derive(Clone)]
pub struct UserKeys {
    inner: Arc<Inner>,
}

struct Inner {
    secrets: Vec<BoundKey>,
    jwks: Option<Jwks>,
    demands: Demands,
}

impl UserKeys {
    /// Keys of this configuration. The key set is fetched when the first token needs it.
    pub fn new(config: UserKeysConfig) -> Result<Self, ConfigError> {
        Self::with_timing(config, Timing::default())
    }

    pub(crate) fn with_timing(config: UserKeysConfig, timing: Timing) -> Result<Self, ConfigError> {
        check_rotation(&config.secrets)?;
        if config.leeway > LEEWAY_MAX {
            return Err(ConfigError::LongLeeway(config.leeway.as_secs()));
        }
        let secrets = config
            .secrets
            .iter()
            .map(|secret| BoundKey { algorithm: Algorithm::HS256, key: secret.decoding_key() })
            .collect();
        let jwks = config.jwks_url.map(|url| Jwks::new(&url, timing)).transpose()?;
        let demands = Demands {
            issuer: config.issuer,
            audience: config.audience,
            leeway_s: config.leeway.as_secs(),
        };
        Ok(Self { inner: Arc::new(Inner { secrets, jwks, demands }) })
    }

    /// Whether there is no key, so that no token can be valid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.secrets.is_empty() && self.inner.jwks.is_none()
    }

    /// The user that a token speaks for.
    pub async fn verify(&self, token: &str) -> Result<User, Error> {
        let header = header(token)?;
        let inner = &self.inner;
        if header.alg == Algorithm::HS256 {
            return inner.verify_any(token, &inner.secrets)?.into_user();
        }
        let Some(jwks) = &inner.jwks else {
            return Err(Error::invalid("no key here is used with its algorithm"));
        };
        let keys = candidates(jwks, &header).await;
        inner.verify_any(token, &keys)?.into_user()
    }
}

impl Inner {
    /// Under any of the keys. The last refusal stands: with one key, as usual, it is the reason.
    fn verify_any(&self, token: &str, keys: &[BoundKey]) -> Result<crate::claims::Claims, Error> {
        let mut refused = Error::invalid("no key here is used with its algorithm");
        for key in keys {
            match verify(token, key, &self.demands) {
                Ok(claims) => return Ok(claims),
                // The signature held: another key cannot do better.
                Err(Error::Expired) => return Err(Error::Expired),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

/// The published keys that are bound to the algorithm the header names and carry its key id. A key
/// id that is not known yet may be of a rotation a moment ago, so the set is fetched again.
async fn candidates(jwks: &Jwks, header: &Header) -> Vec<BoundKey> {
    let keys = jwks.current().await.select(header);
    if !keys.is_empty() {
        return keys;
    }
    jwks.refreshed().await.select(header)
}

impl fmt::Debug for UserKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserKeys")
            .field("secrets", &self.inner.secrets.len())
            .field("jwks", &self.inner.jwks)
            .finish()
    }
}

#[cfg(test)]
mod tests;
