//! A user's right to one topic, for a while.

use std::time::{Duration, SystemTime};

use roomcast_proto::v1;
use tokio::time::Instant;

use crate::upstream::jittered;

/// Where the core names no end, the right is asked for again after this.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A right that seems to be over already is asked for again after this, not at once: clocks differ.
const LIFE_MIN: Duration = Duration::from_secs(1);
/// Between two tries to renew while the core does not answer.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    renew_at: Instant,
    expires_at: Instant,
}

impl Grant {
    pub(super) fn new(grant: Option<&v1::Grant>) -> Self {
        let life = grant
            .and_then(|grant| grant.expire_time)
            .and_then(|time| SystemTime::try_from(time).ok())
            .map_or(DEFAULT_LIFE, |end| {
                end.duration_since(SystemTime::now()).unwrap_or_default().max(LIFE_MIN)
            });
        let now = Instant::now();
        // Between 40 and 80 % of its life: sockets that joined together do not renew together.
        Self { renew_at: now + jittered(life.mul_f64(0.8)), expires_at: now + life }
    }

    pub(super) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.renew_at
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.expires_at
    }

    /// The core did not answer.
    pub(super) fn postpone(&mut self) {
        self.renew_at = Instant::now() + RETRY;
    }
}
