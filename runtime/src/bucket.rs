//! A token bucket: how often something may happen, and how often at once. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// What a bucket allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So often in the long run.
    pub per_second: u32,
    /// So often at once, after a pause.
    pub burst: u32,
}

/// What is left of a [`Rate`].
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, left: f64::from(rate.burst), at: now }
    }

    /// Takes what something costs.
    ///
    /// # Errors
    /// How long to wait until there is enough; nothing is taken.
    pub fn take(&mut self, cost: u32, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        let missing = f64::from(cost) - self.left;
        if missing > 0.0 {
            // A rate of nothing per second never has enough: the longest wait stands for that.
            let seconds = missing / f64::from(self.rate.per_second.max(1));
            return Err(Duration::from_secs_f64(seconds));
        }
        self.left -= f64::from(cost);
        Ok(())
    }

    /// Takes it in any case: what follows has to wait for it.
    pub fn charge(&mut self, cost: u32, now: Instant) {
        self.refill(now);
        // No deeper than one burst: a bucket is no grudge.
        self.left = (self.left - f64::from(cost)).max(-f64::from(self.rate.burst));
    }

    /// Whether nothing is missing, as in a new one.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left + passed * f64::from(self.rate.per_second) >= f64::from(self.rate.burst)
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let gained = passed * f64::from(self.rate.per_second);
        self.left = (self.left + gained).min(f64::from(self.rate.burst));
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(RATE, begin);
        for _ in 0..3 {
            bucket.take(1, begin).unwrap();
        }
        assert_eq!(bucket.take(1, begin), Err(Duration::from_millis(100)));
        let later = begin + Duration::from_millis(100);
        bucket.take(1, later).unwrap();
        bucket.take(1, later).unwrap_err();
        // A long pause saves up one burst and no more.
        let much_later = later + Duration::from_secs(60);
        bucket.take(3, much_later).unwrap();
        bucket.take(1, much_later).unwrap_err();
    }

    #[test]
    fn a_charge_is_waited_for_by_what_follows() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(RATE, begin);
        bucket.charge(1000, begin);
        assert_eq!(bucket.take(1, begin), Err(Duration::from_millis(400)));
        bucket.take(1, begin + Duration::from_millis(401)).unwrap();
    }
}
