//! Leadership: of all cores on one database, one keeps house. The lead is a row of the database with an
//! end by the database's clock. A core trusts it for less than it was promised, counted by its own
//! clock from before it asked; so a core that hangs or loses the database stops before another begins.
//!
//! Nothing depends on there being only one: what the agents do is decided in the store. Two for a moment
//! do some work twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::limits;
use crate::domain::time::Time;
use crate::log::{Log, now};
use crate::store::{Claim, Lead};

/// How long a claim holds: a dead leader is followed after this and one round.
const TTL: Duration = Duration::from_secs(4);
/// Between two claims.
const ROUND: Duration = Duration::from_secs(1);
/// Of what was promised this much is not trusted: clocks run differently fast.
const MARGIN: Duration = Duration::from_millis(500);
/// Nobody led for longer than any take-over lasts: the cores or the database were away.
const VACANCY: Duration = Duration::from_secs(5);
/// The time that a core gives its resignation.
const RESIGNATION_MAX: Duration = Duration::from_secs(1);

/// Whether this core leads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Leadership {
    term: Arc<watch::Sender<Term>>,
}

/// What is known of the lead.
#[derive(Debug, Clone, Copy, Default)]
struct Term {
    /// How long this core may lead.
    until: Option<Instant>,
    /// No lease ends before.
    hold_until: Time,
    /// How far the store's clock is ahead of this core's, in milliseconds.
    ahead: i64,
}

impl Default for Leadership {
    fn default() -> Leadership {
        let (term, _) = watch::channel(Term::default());
        Leadership { term: Arc::new(term) }
    }
}

impl Leadership {
    /// Claims the lead for the core of this number, until `stop`; then gives it up.
    pub async fn run(self, log: Log, core: u64, stop: CancellationToken) {
        let campaign = async {
            loop {
                self.claim(&log, core).await;
                tokio::time::sleep(ROUND).await;
            }
        };
        stop.run_until_cancelled(campaign).await;
        let is_leading = self.is_leading();
        self.term.send_modify(|term| term.until = None);
        if is_leading {
            let resigned = log.store().lead(Claim { core, ttl: Duration::ZERO });
            // Without it the others wait until the claim is over.
            let _ = tokio::time::timeout(RESIGNATION_MAX, resigned).await;
        }
    }

    async fn claim(&self, log: &Log, core: u64) {
        let (began, asked) = (Instant::now(), now());
        let was_leading = self.is_leading();
        let claim = log.store().lead(Claim { core, ttl: TTL });
        // An answer that comes when it is not worth anything any more is not waited for.
        match tokio::time::timeout(TTL - MARGIN, claim).await {
            Ok(Ok(lead)) => self.take(lead, began, asked),
            Ok(Err(error)) if was_leading => tracing::warn!(%error, "the lead cannot be kept"),
            Ok(Err(_)) | Err(_) => {}
        }
        let is_leading = self.is_leading();
        metrics::gauge!("roomcast_leader").set(if is_leading { 1.0 } else { 0.0 });
        if was_leading != is_leading {
            tracing::info!(is_leading, "cleaning and deadlines");
        }
    }

    fn take(&self, lead: Lead, began: Instant, asked: Time) {
        let (Lead { is_held, vacant, now: store }, heard) = (lead, now());
        self.term.send_modify(|term| {
            term.until = is_held.then(|| began + TTL - MARGIN);
            term.ahead = ahead(term.ahead, store, (asked, heard));
            if is_held && vacant >= VACANCY {
                // Workers that were at work need a whole lease to come back.
                term.hold_until = store + limits::LEASE;
            }
        });
    }

    /// Whether this core leads.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.term.borrow().is_now()
    }

    /// Waits until this core leads.
    pub async fn held(&self) {
        // The sender lives as long as this.
        let _ = self.term.subscribe().wait_for(Term::is_now).await;
    }

    /// No lease ends before this.
    pub(super) fn hold_until(&self) -> Time {
        self.term.borrow().hold_until
    }

    /// The store's time, by which deadlines are.
    pub(super) fn store_time(&self) -> Time {
        Time(now().0.saturating_add_signed(self.term.borrow().ahead))
    }
}

impl Term {
    fn is_now(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// How far the store's clock is ahead: as far as is known, unless an answer that was given between `asked` and
/// `heard` shows otherwise. One that took long shows little.
fn ahead(known: i64, store: Time, (asked, heard): (Time, Time)) -> i64 {
    let beyond = |clock: Time| store.0.cast_signed().saturating_sub(clock.0.cast_signed());
    known.max(beyond(heard)).min(beyond(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_does_not_put_the_stores_clock_back() {
        let store_at = |at: u64, ahead: u64| Time(at + ahead);
        let mut known = 0;
        // The store's clock is 70 ms ahead, and the answer took 4 ms.
        known = ahead(known, store_at(1_002, 70), (Time(1_000), Time(1_004)));
        assert!((68..=72).contains(&known), "{known}");
        // Decided at once, heard three seconds later; asked three seconds before it was decided.
        for decided in [2_001, 5_000] {
            known = ahead(known, store_at(decided, 70), (Time(2_000), Time(5_001)));
            assert!((68..=72).contains(&known), "{known}");
        }
        // It was put back.
        known = ahead(known, Time(6_000 - 500), (Time(5_999), Time(6_001)));
        assert!((-501..=-499).contains(&known), "{known}");
    }
}
