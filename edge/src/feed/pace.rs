//! How a long replay gives way to those who are live: between its pages it rests for as long as they take,
//! which is the longer the busier the machine is. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// Pages read one after the other: whoever comes back after a while has what it missed at once.
const PAGES_AT_ONCE: u32 = 20;
/// Longest rest. A page that took longer waited for its own socket, which is nobody else's burden.
const REST_MAX: Duration = Duration::from_millis(5);

/// The pace of one reader, for as long as it reads the log.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pages: u32,
    /// When the last page was begun.
    begun: Option<Instant>,
}

impl Pace {
    /// Another page is to be read: after this rest.
    pub(super) fn rest(&mut self, now: Instant) -> Duration {
        let is_long = self.pages >= PAGES_AT_ONCE;
        let took = self.begun.filter(|_| is_long).map(|begun| now.duration_since(begun));
        let rest = took.unwrap_or_default().min(REST_MAX);
        self.pages = self.pages.saturating_add(1);
        self.begun = Some(now + rest);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_replay_never_rests_and_a_long_one_as_long_as_it_works() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let mut rest_after = |page_took| {
            now += page_took;
            let rest = pace.rest(now);
            now += rest;
            rest
        };
        let usual = Duration::from_millis(3);
        for _ in 0..PAGES_AT_ONCE {
            assert_eq!(rest_after(usual), Duration::ZERO);
        }
        assert_eq!(rest_after(usual), usual);
        assert_eq!(rest_after(usual), usual);
        assert_eq!(rest_after(Duration::from_secs(3)), REST_MAX, "it waited for its socket");
    }
}
