//! The address of the bus, which may hold its password.

use std::fmt;
use std::str::FromStr;

/// `redis://user:password@host:6379`, or `rediss://` for TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct BusUrl(String);

/// Why a text is no address of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bus is redis://user:password@host:6379, or rediss:// for TLS")]
pub struct NotABus;

impl BusUrl {
    /// The address with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("rediss://")
    }
}

impl FromStr for BusUrl {
    type Err = NotABus;

    fn from_str(text: &str) -> Result<BusUrl, NotABus> {
        let known = ["redis://", "rediss://"];
        if !known.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(NotABus);
        }
        Ok(BusUrl(text.to_owned()))
    }
}

impl fmt::Debug for BusUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BusUrl(…)")
    }
}
