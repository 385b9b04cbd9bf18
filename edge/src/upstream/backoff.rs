//! Waits between attempts to reach the core: longer each time, and never in step with other edges.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The next wait, drawn between half of the step and all of it; steps double.
#[derive(Debug, Clone)]
pub struct Backoff {
    step: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { step: FIRST }
    }
}

impl Backoff {
    /// How long to wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(LONGEST);
        jittered(step)
    }

    /// How long to wait before the next attempt, after one that held for so long. What breaks as soon as it
    /// stands is an attempt that failed: each new one would ask the core for everything again.
    pub fn wait_after(&mut self, held: Duration) -> Duration {
        if held >= LONGEST {
            self.reset();
        }
        self.wait()
    }

    /// The attempt succeeded: begin anew.
    pub fn reset(&mut self) {
        self.step = FIRST;
    }
}

/// A time between half of `longest` and all of it.
pub(crate) fn jittered(longest: Duration) -> Duration {
    longest / 2 + spread(longest / 2)
}

/// A time between nothing and all of `longest`.
pub(crate) fn spread(longest: Duration) -> Duration {
    // Without randomness edges go in step, which is worse but not wrong.
    let drawn = getrandom::u32().unwrap_or(u32::MAX);
    longest.mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_begin_anew_after_success() {
        let mut backoff = Backoff::default();
        for step in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let step = Duration::from_millis(step);
            let wait = backoff.wait();
            assert!(wait >= step / 2 && wait <= step, "{wait:?} is outside of {step:?}");
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn what_breaks_as_soon_as_it_stands_is_tried_less_and_less_often() {
        let mut backoff = Backoff::default();
        for step in [100, 200, 400] {
            let wait = backoff.wait_after(LONGEST / 2);
            assert!(wait >= Duration::from_millis(step) / 2, "{wait:?} is short of {step} ms");
        }
        assert!(backoff.wait_after(LONGEST) <= FIRST);
    }
}
