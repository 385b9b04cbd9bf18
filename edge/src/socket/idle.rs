//! When a socket is of no use to anybody: it is in no topic, and its client says nothing.
//!
//! Age is no sign of that, and silence alone is none either: whoever watches something is never idle,
//! and the view that is joined for everybody is something to watch. A client whose heart has stopped
//! is not waited for here: Engine.IO ends it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a socket has been of no use.
#[derive(Debug)]
pub(super) struct Idle {
    /// For how long it may be. None: for ever.
    limit: Option<Duration>,
    /// None while it is of use.
    since: Option<Instant>,
}

impl Idle {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, since: None }
    }

    /// The client has said something.
    pub(super) fn hear(&mut self) {
        self.since = None;
    }

    /// Notes whether the socket is in any topic.
    pub(super) fn note(&mut self, is_watching: bool, now: Instant) {
        self.since = if is_watching { None } else { self.since.or(Some(now)) };
    }

    /// Waits until the socket has been of no use for too long.
    pub(super) async fn is_over(&self) {
        match self.ends_at() {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }

    fn ends_at(&self) -> Option<Instant> {
        self.limit.zip(self.since).map(|(limit, since)| since + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1800);
    const LATER: Duration = Duration::from_secs(100);

    #[test]
    fn who_is_in_no_topic_is_idle_once_silent_for_the_limit() {
        let (begin, mut idle) = (Instant::now(), Idle::new(Some(LIMIT)));
        idle.note(false, begin);
        // Whatever else happens to the socket meanwhile.
        idle.note(false, begin + LATER);
        assert_eq!(idle.ends_at(), Some(begin + LIMIT));
        idle.hear();
        idle.note(false, begin + LATER);
        assert_eq!(idle.ends_at(), Some(begin + LATER + LIMIT));
    }

    #[test]
    fn who_watches_is_never_idle_and_has_the_whole_limit_afterwards() {
        let (begin, mut idle) = (Instant::now(), Idle::new(Some(LIMIT)));
        idle.note(false, begin);
        idle.note(true, begin + LATER);
        assert_eq!(idle.ends_at(), None);
        idle.note(false, begin + LATER * 2);
        assert_eq!(idle.ends_at(), Some(begin + LATER * 2 + LIMIT));
    }

    #[test]
    fn without_a_limit_nobody_is_idle() {
        let mut idle = Idle::new(None);
        idle.note(false, Instant::now());
        assert_eq!(idle.ends_at(), None);
    }
}
