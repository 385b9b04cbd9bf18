//! Waiting for what must come about.

use std::time::Duration;

use tokio::time::Instant;

/// How often a condition is looked at: often against the second that things take, rarely against the
/// work of looking.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Longest wait for what takes a moment: two busy cores make moments long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `look` sees what it wants. `what` names it in the failure.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// Like [`eventually`], with a limit of the caller's own.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let seen = looked(limit, look).await;
    seen.unwrap_or_else(|| panic!("did not come about within {limit:?}: {what}"))
}

/// What `look` sees within the limit.
pub(crate) async fn looked<T>(limit: Duration, look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    looked_every(LOOK_EVERY, limit, look).await
}

/// Like [`looked`], for looks that are work for those who are looked at.
pub(crate) async fn looked_every<T>(
    pause: Duration,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let seen = look().await;
        if seen.is_some() || Instant::now() >= deadline {
            return seen;
        }
        tokio::time::sleep(pause).await;
    }
}
