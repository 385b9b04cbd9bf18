use std::fmt;
use std::str::FromStr;

use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::ConfigError;

/// HMAC-SHA-256 is only as strong as its key up to 32 bytes.
const SECRET_BYTES_MIN: usize = 32;

/// A shared HS256 secret of at least 32 bytes. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret, unless it is too short. White space around it is dropped: files end in a line feed.
    pub fn new(secret: &str) -> Result<Self, ConfigError> {
        let secret = secret.trim().as_bytes();
        if secret.len() < SECRET_BYTES_MIN {
            return Err(ConfigError::ShortSecret(secret.len()));
        }
        Ok(Self(secret.to_vec()))
    }

    pub(crate) fn encoding_key(&self) -> EncodingKey {
        EncodingKey::from_secret(&self.0)
    }

    pub(crate) fn decoding_key(&self) -> DecodingKey {
        DecodingKey::from_secret(&self.0)
    }
}

impl FromStr for Secret {
    type Err = ConfigError;

    fn from_str(secret: &str) -> Result<Self, ConfigError> {
        Secret::new(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret([redacted])")
    }
}

/// One secret, or two while one replaces the other.
pub(crate) fn check_rotation(secrets: &[Secret]) -> Result<(), ConfigError> {
    const SECRETS_MAX: usize = 2;
    if secrets.len() > SECRETS_MAX {
        return Err(ConfigError::TooManySecrets(secrets.len()));
    }
    Ok(())
}
