//! A bucket for each of many callers, of whom only those are remembered who have used theirs.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

use crate::bucket::{Bucket, Rate};

/// Callers who are remembered at once: some 10 MB. Beyond them whoever has been quiet for longest is
/// forgotten, and begins again with a full bucket.
pub const CALLERS_MAX: usize = 50_000;
/// Full buckets that one call clears away: more than the one that it may add.
const CLEARED_PER_CALL: usize = 2;

/// The buckets of callers, all of one rate.
#[derive(Debug)]
pub struct Buckets<K: Hash + Eq> {
    rate: Rate,
    used: Mutex<LruCache<K, Bucket>>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// All full.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        // Not made for its capacity, which would be taken at once.
        Self { rate, used: Mutex::new(LruCache::unbounded()) }
    }

    /// What each of them allows.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one out of a caller's bucket.
    ///
    /// # Errors
    /// How long to wait until there is one.
    pub fn take(&self, caller: K, now: Instant) -> Result<(), Duration> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = used.get_or_insert_mut(caller, || Bucket::new(self.rate, now)).take(1, now);
        for _ in 0..CLEARED_PER_CALL {
            let is_full = used.peek_lru().is_some_and(|(_, bucket)| bucket.is_full(now));
            if is_full || used.len() > CALLERS_MAX {
                used.pop_lru();
            }
        }
        taken
    }

    /// How many callers are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 2 };

    #[test]
    fn each_caller_has_a_bucket_of_its_own() {
        let (buckets, now) = (Buckets::new(RATE), Instant::now());
        buckets.take("ana", now).unwrap();
        buckets.take("ana", now).unwrap();
        assert_eq!(buckets.take("ana", now), Err(Duration::from_millis(100)));
        buckets.take("bob", now).unwrap();
        buckets.take("ana", now + Duration::from_millis(101)).unwrap();
    }

    #[test]
    fn whoever_has_a_full_bucket_again_is_forgotten() {
        let (buckets, begin) = (Buckets::new(RATE), Instant::now());
        for caller in 0..10 {
            buckets.take(caller, begin).unwrap();
        }
        assert_eq!(buckets.len(), 10);
        for _ in 0..10 {
            let _ = buckets.take(10, begin + Duration::from_secs(1));
        }
        assert_eq!(buckets.len(), 1);
    }

    #[test]
    fn a_crowd_of_callers_makes_the_quietest_forgotten_and_nobody_else() {
        let (buckets, now) = (Buckets::new(RATE), Instant::now());
        for caller in 0..=CALLERS_MAX {
            buckets.take(caller, now).unwrap();
            // The second stays in use, and is used up.
            let _ = buckets.take(1, now);
        }
        assert_eq!(buckets.len(), CALLERS_MAX);
        buckets.take(1, now).unwrap_err();
        buckets.take(0, now).unwrap();
        buckets.take(0, now).unwrap();
    }
}
