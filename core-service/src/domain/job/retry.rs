//! When a failed attempt is followed by another.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::name::fingerprint;

/// How failures are retried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub max_attempts: u32,
    /// Wait before the second attempt.
    pub initial_backoff: Duration,
    /// Growth of the wait.
    pub multiplier: f64,
    /// Longest wait.
    pub max_backoff: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            max_attempts: 3,
            initial_backoff: Duration::from_secs(1),
            multiplier: 2.0,
            max_backoff: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// The wait after attempt number `attempt` of a job: between half of the policy's wait and all of
    /// it, so that jobs which failed together do not come back together. The same for the same job and
    /// attempt.
    #[must_use]
    pub fn backoff(&self, job_id: &str, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let longest = self.max_backoff.as_secs_f64();
        let wait =
            (self.initial_backoff.as_secs_f64() * self.multiplier.powi(exponent)).min(longest);
        let draw = fingerprint(&[job_id.as_bytes(), &attempt.to_be_bytes()]) % 1024;
        #[allow(clippy::cast_precision_loss, reason = "draw is below 1024")]
        let share = 0.5 + draw as f64 / 2048.0;
        Duration::try_from_secs_f64(wait * share).unwrap_or(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_its_limit_and_is_the_same_for_the_same_attempt() {
        let policy = RetryPolicy::default();
        for attempt in 1..200 {
            let wait = policy.backoff("job", attempt);
            let full = Duration::from_secs(1 << (attempt - 1).min(20)).min(policy.max_backoff);
            assert!(wait >= full / 2 && wait <= full, "attempt {attempt}: {wait:?} of {full:?}");
            assert_eq!(wait, policy.backoff("job", attempt));
        }
    }
}
