//! When a socket that lost its connection tries again.

use std::time::Duration;

/// `socket.io-client`'s own: a second that doubles with each failure up to five.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// And each drawn from so much less to so much more.
const JITTER: f64 = 0.5;

/// How a crowd comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comeback {
    /// As `socket.io-client` does unless it is told otherwise.
    Spread,
    /// With the same delays and no jitter: all at once.
    InStep,
}

impl Comeback {
    /// The delay before the next try, after so many that failed.
    pub(super) fn delay(self, failures: u32) -> Duration {
        let delay = (FIRST_DELAY * 2_u32.pow(failures.min(8))).min(LONGEST_DELAY);
        match self {
            Comeback::InStep => delay,
            Comeback::Spread => delay.mul_f64(1.0 - JITTER + 2.0 * JITTER * drawn()),
        }
    }
}

/// From 0 to 1.
fn drawn() -> f64 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("randomness");
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
