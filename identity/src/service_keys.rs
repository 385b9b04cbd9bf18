use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Algorithm;

use crate::mint::{NewClaims, sign};
use crate::secret::check_rotation;
use crate::token::{BoundKey, Demands, header, verify};
use crate::{ConfigError, Error, MintError, SERVICE_AUDIENCE, Scope, Secret, Service};

/// Machines keep their clocks; half of what users' tokens are allowed.
const LEEWAY_S: u64 = 15;

/// The keys of service tokens: one HS256 secret, or two while one replaces the other.
#[derive(Clone)]
pub struct ServiceKeys {
    inner: Arc<Inner>,
}

struct Inner {
    secrets: Vec<Secret>,
    keys: Vec<BoundKey>,
    demands: Demands,
}

impl ServiceKeys {
    /// Keys of these secrets; the first one signs.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, ConfigError> {
        check_rotation(&secrets)?;
        let keys = secrets
            .iter()
            .map(|secret| BoundKey { algorithm: Algorithm::HS256, key: secret.decoding_key() })
            .collect();
        let demands = Demands {
            issuer: None,
            audience: Some(SERVICE_AUDIENCE.to_owned()),
            leeway_s: LEEWAY_S,
        };
        Ok(Self { inner: Arc::new(Inner { secrets, keys, demands }) })
    }

    /// Whether there is no key, so that no token can be valid.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.keys.is_empty()
    }

    /// The service that a token speaks for.
    pub fn verify(&self, token: &str) -> Result<Service, Error> {
        header(token)?;
        let mut refused = Error::invalid("no service secret is set here");
        for key in &self.inner.keys {
            match verify(token, key, &self.inner.demands) {
                Ok(claims) => return claims.into_service(),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// A service's token, signed with the first secret.
    pub fn mint(&self, name: &str, scopes: &[Scope], ttl: Duration) -> Result<String, MintError> {
        let secret = self.inner.secrets.first().ok_or(MintError::NoSecret)?;
        let scope = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let claims = NewClaims {
            sub: name,
            tenant: None,
            email: None,
            roles: &[],
            scope,
            jti: None,
            iss: None,
            aud: Some(SERVICE_AUDIENCE),
        };
        sign(secret, claims, ttl)
    }
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServiceKeys").field("secrets", &self.inner.keys.len()).finish()
    }
}
