//! The address of a database, which holds its password.

use std::fmt;
use std::str::FromStr;

/// `postgres://user:password@host/database`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

/// Why a text is no address of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a store is postgres://user:password@host/database; without one it is the data folder")]
pub struct NotAStore;

impl StoreUrl {
    /// The address with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreUrl {
    type Err = NotAStore;

    fn from_str(text: &str) -> Result<StoreUrl, NotAStore> {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(NotAStore);
        }
        Ok(StoreUrl(text.to_owned()))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoreUrl(…)")
    }
}
