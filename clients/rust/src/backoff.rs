//! Waits between tries: longer each time, and never in step with other programs.

use std::time::Duration;

/// The next wait, drawn between half of the step and all of it; steps double. A core that was away is so
/// met by a fleet of workers one after another, and not by all of them in the moment it is back.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    step: Duration,
}

impl Backoff {
    /// Steps from `first`, doubled up to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, step: first }
    }

    /// How long to wait before the next try.
    pub fn wait(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(self.longest);
        // Without randomness programs go in step, which is worse but not wrong.
        let drawn = getrandom::u32().unwrap_or(u32::MAX);
        step.mul_f64(0.5 + 0.5 * f64::from(drawn) / f64::from(u32::MAX))
    }

    /// It has worked: begin anew.
    pub fn reset(&mut self) {
        self.step = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    #[test]
    fn waits_grow_to_the_longest_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for step in [100, 200, 400, 800, 1_600, 2_000, 2_000] {
            let step = Duration::from_millis(step);
            let wait = backoff.wait();
            assert!(wait >= step / 2 && wait <= step, "{wait:?} is outside of {step:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn a_fleet_that_lost_its_core_in_one_moment_comes_back_in_many() {
        let mut fleet = vec![Backoff::new(FIRST, LONGEST); 100];
        for step in [FIRST, FIRST * 2, FIRST * 4] {
            let mut waits: Vec<_> = fleet.iter_mut().map(Backoff::wait).collect();
            waits.sort_unstable();
            let spread = waits[waits.len() - 1] - waits[0];
            assert!(spread > step / 4, "they come back within {spread:?} of {step:?}");
            waits.dedup();
            assert!(waits.len() > fleet.len() / 2, "{} moments", waits.len());
        }
    }
}
