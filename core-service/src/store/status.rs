//! Whether the store takes commits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::store::Error;

/// The writer's word on itself, read by everybody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    refusal: Arc<Mutex<Option<Error>>>,
    /// Whether there is a refusal: all who commit ask, and share what nobody writes.
    refuses: Arc<AtomicBool>,
    failed: CancellationToken,
}

impl Status {
    /// `Err` says why commits are not taken.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        if !self.refuses.load(Ordering::Acquire) {
            return Ok(());
        }
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    /// Cancelled once the store has stopped itself.
    pub(crate) fn failed(&self) -> &CancellationToken {
        &self.failed
    }

    /// A batch was committed.
    pub(crate) fn set_open(&self) {
        if self.refuses.load(Ordering::Acquire) {
            self.set(None);
        }
    }

    /// A batch found no room.
    pub(crate) fn set_full(&self) {
        self.set(Some(Error::Full));
    }

    /// The database cannot be reached.
    pub(crate) fn set_unreachable(&self, reason: &str) -> Error {
        let error = Error::Unavailable(format!("the database cannot be reached: {reason}"));
        self.set(Some(error.clone()));
        error
    }

    /// The writer stops for good.
    pub(crate) fn stop(&self, reason: &str) -> Error {
        let error = Error::Unavailable(format!("the store has stopped itself: {reason}"));
        self.set(Some(error.clone()));
        self.failed.cancel();
        error
    }

    fn set(&self, refusal: Option<Error>) {
        if self.failed.is_cancelled() {
            return;
        }
        let mut known = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        self.refuses.store(refusal.is_some(), Ordering::Release);
        *known = refusal;
    }
}
