//! Where a credential comes from.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

/// Why a provider has no token.
pub type ProviderError = Box<dyn Error + Send + Sync>;

/// A token: one that stays, or a provider that is asked before every call. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Token(Source);

#[derive(Clone)]
enum Source {
    Fixed(Arc<str>),
    Provided(Arc<dyn Fn() -> BoxFuture<'static, Result<String, ProviderError>> + Send + Sync>),
}

impl Token {
    /// Asks `provide` before every call, so it should keep what it has until that expires.
    pub fn provided<F>(provide: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, ProviderError>> + Send + 'static,
    {
        Self(Source::Provided(Arc::new(move || Box::pin(provide()))))
    }

    /// Whether it may be another the next time.
    pub(crate) fn is_provided(&self) -> bool {
        matches!(self.0, Source::Provided(_))
    }

    pub(crate) async fn reveal(&self) -> Result<String, ProviderError> {
        match &self.0 {
            Source::Fixed(token) => Ok(token.as_ref().to_owned()),
            Source::Provided(provide) => provide().await,
        }
    }
}

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Self(Source::Fixed(token.trim().into()))
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self::from(token.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}
