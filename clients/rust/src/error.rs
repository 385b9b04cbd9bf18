//! What can go wrong on the way to the core, and what the core refuses.

use std::time::Duration;

use roomcast_proto::registry::Code;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::cores::{AddressError, Unusable};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No URL was given.
    #[error("no core is named")]
    NoCore,
    /// It is no URL, or its TLS settings are wrong.
    #[error("the core's address {url:?} is not usable: {reason}")]
    Address {
        /// Which.
        url: String,
        /// Why.
        reason: Unusable,
    },
    /// Nobody answers there.
    #[error("no core answers at {url}")]
    Unreachable {
        /// Where; the last one tried.
        url: String,
        /// Why.
        #[source]
        reason: tonic::transport::Error,
    },
}

impl From<AddressError> for ConnectError {
    fn from(AddressError { url, reason }: AddressError) -> Self {
        ConnectError::Address { url, reason }
    }
}

/// Why a call did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The core cannot be reached, or no answer came in time: whether the call took effect is not known.
    /// The same call under the same idempotency key may be made again.
    #[error("the core cannot be reached")]
    Unreachable,
    /// The core refused. Nothing has changed.
    #[error("{message} [{code}]")]
    Refused {
        /// The line of the registry (docs/ERRORS.md).
        code: Code,
        /// What was wrong, for a person.
        message: String,
        /// Wait so long before trying again, where the core says so.
        retry_after: Option<Duration>,
    },
    /// A value cannot be written as JSON.
    #[error("the payload cannot be written as JSON: {0}")]
    Payload(String),
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Unreachable => true,
            Error::Refused { code, .. } => code.entry().retryable,
            Error::Payload(_) => false,
        }
    }

    /// How long the core wants to be left alone before the same call, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Refused { retry_after, .. } => *retry_after,
            Error::Unreachable | Error::Payload(_) => None,
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let code = Code::of(&status);
        if matches!(code, Code::CoreUnavailable | Code::DeadlineExceeded) {
            return Error::Unreachable;
        }
        let message = match status.message() {
            "" => code.entry().cause.to_owned(),
            message => message.to_owned(),
        };
        let details = status.get_error_details();
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        Error::Refused { code, message, retry_after }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Payload(error.to_string())
    }
}
