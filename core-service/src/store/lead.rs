//! The lead: of all cores on one store, one at a time cleans up and gives jobs their ticks. What it does
//! is safe whoever does it, so that two leaders for a moment only do some work twice.

use std::time::Duration;

use crate::domain::time::Time;

/// A core that wants the lead, or wants to keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The core: a number of its own, not 0, below 2^63.
    pub core: u64,
    /// How long it wants it from now; nothing gives it up.
    pub ttl: Duration,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// Whether the core has the lead, for as long as it asked.
    pub is_held: bool,
    /// How long nobody had had it.
    pub vacant: Duration,
    /// The store's clock.
    pub now: Time,
}

/// Who has the lead, or had it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) core: u64,
    pub(crate) until: Time,
}

impl Leader {
    /// Nobody, since ever.
    pub(crate) const NOBODY: Leader = Leader { core: 0, until: Time(0) };

    /// Who has the lead after a claim, and what its core is told.
    pub(crate) fn after(self, claim: Claim, now: Time) -> (Leader, Lead) {
        let is_free = self.core == claim.core || self.until <= now;
        let lead = Lead { is_held: is_free && !claim.ttl.is_zero(), vacant: Duration::ZERO, now };
        if lead.is_held {
            let leader = Leader { core: claim.core, until: now + claim.ttl };
            return (leader, Lead { vacant: now.since(self.until), ..lead });
        }
        let gives_up = self.core == claim.core && self.until > now;
        (if gives_up { Leader { until: now, ..self } } else { self }, lead)
    }
}
