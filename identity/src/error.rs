use roomcast_proto::registry::Code;

/// Why a token is refused. The text never contains a piece of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// None was shown.
    #[error("no token was shown")]
    Missing,
    /// It is not valid here.
    #[error("the token is not valid: {0}")]
    Invalid(String),
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

impl Error {
    /// The line of the registry.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Error::Missing => Code::Unauthenticated,
            Error::Invalid(_) => Code::TokenInvalid,
            Error::Expired => Code::TokenExpired,
        }
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Error::Invalid(reason.into())
    }
}

/// Why keys cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Shorter than HMAC-SHA-256 needs.
    #[error("a secret has {0} bytes; it needs at least 32, such as from `openssl rand -base64 32`")]
    ShortSecret(usize),
    /// More than a rotation needs.
    #[error("{0} secrets are set; a rotation needs at most 2: the new one first, then the old one")]
    TooManySecrets(usize),
    /// Clocks that far apart are a fault to mend, not to allow.
    #[error("a leeway of {0} s is set; at most 30 s are allowed")]
    LongLeeway(u64),
    /// Not the URL of a key set.
    #[error("the JWKS URL is not usable: {0}")]
    JwksUrl(String),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client for the JWKS cannot be set up: {0}")]
    HttpClient(#[from] reqwest::Error),
}

/// Why a token cannot be minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// No secret is known.
    #[error("no secret is set to sign with")]
    NoSecret,
    /// The clock or the time to live is out of any range.
    #[error("the token's end lies outside of time")]
    Time,
    /// The signature failed.
    #[error("the token cannot be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}
