//! What a client may emit over one connection, whatever namespaces it uses.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use roomcast_runtime::bucket::{Bucket, Rate};
use tokio::time::Instant;

/// Bytes that wait for one connection: two messages of the largest size.
pub(super) const WAITING_BYTES_MAX: usize = 2_000_000;
/// What a failed command costs beyond itself.
const FAILURE_COST: u32 = 4;
/// Bursts of refusals before a client that does not slow down is ended.
pub(super) const PATIENCE: u32 = 8;
/// Commands that a graph refused: each is two events for everybody in the session. One who edits hits
/// upon another's change now and then; who fails all the time is held back.
const REFUSED_COMMANDS: Rate = Rate { per_second: 5, burst: 50 };

/// Shared by the sockets of a connection.
#[derive(Debug)]
pub(super) struct Allowance {
    waiting_bytes: AtomicUsize,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    events: Bucket,
    /// How often the client may still be told to slow down.
    refusals: Bucket,
    refused_commands: Bucket,
}

impl Allowance {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        let patience = Rate { burst: rate.burst.saturating_mul(PATIENCE), ..rate };
        let buckets = Buckets {
            events: Bucket::new(rate, now),
            refusals: Bucket::new(patience, now),
            refused_commands: Bucket::new(REFUSED_COMMANDS, now),
        };
        Self { waiting_bytes: AtomicUsize::new(0), buckets: Mutex::new(buckets) }
    }

    /// Takes an event, or says how long to wait.
    pub(super) fn take_event(&self, now: Instant) -> Result<(), Duration> {
        self.buckets().events.take(1, now)
    }

    /// Takes being told to slow down, if that is still worth while.
    pub(super) fn take_refusal(&self, now: Instant) -> Result<(), Duration> {
        self.buckets().refusals.take(1, now)
    }

    /// A request has failed: it counts for several, so that guessing is slow.
    pub(super) fn charge_failure(&self, now: Instant) {
        self.buckets().events.charge(FAILURE_COST, now);
    }

    /// Whether a command may be given that a graph may refuse, or how long to wait.
    pub(super) fn may_command(&self, now: Instant) -> Result<(), Duration> {
        self.buckets().refused_commands.take(0, now)
    }

    /// A graph has refused a command.
    pub(super) fn charge_command(&self, now: Instant) {
        self.buckets().refused_commands.charge(1, now);
    }

    /// Takes room for a message that waits. Answers whether there was any.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if waiting > WAITING_BYTES_MAX {
            self.release(bytes);
            return false;
        }
        true
    }

    pub(super) fn release(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 10 };

    #[test]
    fn who_has_too_many_commands_refused_waits_before_the_next() {
        let begin = Instant::now();
        let allowance = Allowance::new(RATE, begin);
        for _ in 0..=REFUSED_COMMANDS.burst {
            allowance.may_command(begin).unwrap();
            allowance.charge_command(begin);
        }
        let wait = Duration::from_secs(1) / REFUSED_COMMANDS.per_second;
        assert_eq!(allowance.may_command(begin), Err(wait));
        assert_eq!(allowance.may_command(begin + wait), Ok(()));
    }

    #[test]
    fn what_waits_is_bounded_over_all_that_hold() {
        let allowance = Allowance::new(RATE, Instant::now());
        assert!(allowance.hold(WAITING_BYTES_MAX));
        assert!(!allowance.hold(1));
        allowance.release(1);
        assert!(allowance.hold(1));
    }
}
