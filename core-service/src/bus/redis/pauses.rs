//! Pauses between attempts to connect: longer each time, and never in step with other cores.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(100);
/// The longest. A connection that held for less counts as an attempt that failed: a Redis that throws out
/// whoever has just come, as where its limit for subscribers is too low, is not asked ten times a second.
const LONGEST: Duration = Duration::from_secs(3);

/// The pause that comes next.
#[derive(Debug)]
pub(super) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses(FIRST)
    }
}

impl Pauses {
    /// How long to pause after a connection that held for so long.
    pub(super) fn after(&mut self, held: Duration) -> Duration {
        let pause = if held >= LONGEST { FIRST } else { self.0 };
        self.0 = (pause * 2).min(LONGEST);
        // Without chance cores go in step, which is worse but not wrong.
        let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        pause.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_thrown_out_at_once_comes_back_less_and_less_often_until_it_is_kept() {
        let mut pauses = Pauses::default();
        let mut check = |held: Duration, pause: u64| {
            let (paused, pause) = (pauses.after(held), Duration::from_millis(pause));
            assert!(paused >= pause / 2 && paused <= pause, "{paused:?} of {pause:?}");
        };
        for pause in [100, 200, 400, 800, 1_600, 3_000, 3_000] {
            check(LONGEST / 2, pause);
        }
        check(LONGEST, 100);
        check(Duration::ZERO, 200);
    }
}
