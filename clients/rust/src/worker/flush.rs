//! What a worker learns of the reports that it did not wait for.

use super::end::{Failure, Lost, Stop};

/// Why not all that was reported is on record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FlushError {
    /// The lease is lost.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The core did not take a report, the first of those that it did not. The job goes on without it.
    #[error("{0}")]
    Refused(Failure),
}

impl From<FlushError> for Stop {
    fn from(error: FlushError) -> Self {
        match error {
            FlushError::Lost(lost) => lost.into(),
            FlushError::Refused(failure) => failure.into(),
        }
    }
}
