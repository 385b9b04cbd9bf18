//! How long a call under an idempotency key is tried again: the same key is done once, however often it is
//! asked for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::error::Error;

/// Longer than a core's restart; whoever calls has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest wait before the second try; doubled up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// See [`RETRY_FIRST`].
const RETRY_MAX: Duration = Duration::from_secs(2);

/// What is left of the wish to try again.
pub(crate) struct Patience {
    until: Instant,
    backoff: Backoff,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { until: Instant::now() + PATIENCE, backoff: Backoff::new(RETRY_FIRST, RETRY_MAX) }
    }

    /// Waits before the next try; answers the error when there is to be none.
    pub(crate) async fn bear(&mut self, error: Error) -> Result<(), Error> {
        let pause = self.backoff.wait().max(error.retry_after().unwrap_or_default());
        if !error.is_retryable() || Instant::now() + pause >= self.until {
            return Err(error);
        }
        sleep(pause).await;
        Ok(())
    }
}
