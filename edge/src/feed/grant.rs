//! A user's right to one topic, for a while.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use roomcast_proto::v1;
use tokio::time::Instant;

use crate::{auth::HEARD_FOR, upstream::jittered};

/// Where the core names no end, the right is asked for again after this.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A right that seems to be over already is asked for again after this, not at once: clocks differ.
const LIFE_MIN: Duration = Duration::from_secs(1);
/// Between two tries to renew while the core does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// The core still takes a token for so long after its end, since clocks differ; a moment later it
/// refuses it.
const TOKEN_LEEWAY: Duration = Duration::from_secs(31);

#[derive(Debug, Clone, Copy)]
pub(super) struct Grant {
    asked_at: Instant,
    renew_at: Instant,
    expires_at: Instant,
}

impl Grant {
    /// The core's answer to what was asked at that moment, for a user whose token ends at
    /// `token_expires_at`, in Unix seconds: a right does not outlive the token it was given for.
    pub(super) fn new(
        grant: Option<&v1::Grant>,
        token_expires_at: Option<u64>,
        asked_at: Instant,
    ) -> Self {
        let life = grant
            .and_then(|grant| grant.expire_time)
            .and_then(|time| SystemTime::try_from(time).ok())
            .map_or(DEFAULT_LIFE, |end| {
                end.duration_since(SystemTime::now()).unwrap_or_default().max(LIFE_MIN)
            });
        let now = Instant::now();
        let token_life = token_expires_at.and_then(token_over).map_or(Duration::MAX, |over| {
            over.duration_since(SystemTime::now()).unwrap_or_default().max(LIFE_MIN)
        });
        // Between 40 and 80 % of its life: sockets that joined together do not renew together.
        let renewal = jittered(life.mul_f64(0.8)).min(token_life);
        Self { asked_at, renew_at: now + renewal, expires_at: now + life }
    }

    pub(super) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.renew_at
    }

    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.expires_at
    }

    /// Whether it was given so lately that it counts without news of changed rights. The answer may have
    /// been long on its way, and what it says was so at any time since the question.
    pub(super) fn is_fresh(&self) -> bool {
        self.asked_at.elapsed() < HEARD_FOR
    }

    /// The core did not answer.
    pub(super) fn postpone(&mut self) {
        self.renew_at = Instant::now() + RETRY;
    }
}

/// None where the claim lies outside of time.
fn token_over(expires_at: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(expires_at).saturating_add(TOKEN_LEEWAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix_now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    fn grant(life: Duration) -> v1::Grant {
        let expire_time = Some((SystemTime::now() + life).into());
        v1::Grant { expire_time, ..v1::Grant::default() }
    }

    fn given(grant: &v1::Grant, token_expires_at: Option<u64>, asked_at: Instant) -> Grant {
        Grant::new(Some(grant), token_expires_at, asked_at)
    }

    /// A grant of this life is renewed within this range.
    #[track_caller]
    fn check(life: Duration, token_expires_at: Option<u64>, renewed: std::ops::Range<u64>) {
        let renew_at = given(&grant(life), token_expires_at, Instant::now()).renew_at();
        let renewal = renew_at - Instant::now();
        assert!(renewed.contains(&renewal.as_secs()), "{renewal:?} is not in {renewed:?}");
    }

    #[test]
    fn a_grant_is_renewed_well_before_it_ends() {
        check(Duration::from_secs(300), None, 119..240);
        check(Duration::from_secs(300), Some(unix_now() + 3600), 119..240);
        check(Duration::from_secs(300), Some(u64::MAX), 119..240);
    }

    #[test]
    fn a_right_is_asked_for_again_when_its_token_is_over() {
        check(Duration::from_secs(300), Some(unix_now() + 10), 39..42);
        check(Duration::from_secs(300), Some(unix_now() - 3600), 0..2);
    }

    #[test]
    fn a_grant_that_seems_over_is_not_asked_for_without_end() {
        assert!(!given(&v1::Grant::default(), None, Instant::now()).is_over());
        let over = v1::Grant { expire_time: Some(UNIX_EPOCH.into()), ..v1::Grant::default() };
        assert!(!given(&over, None, Instant::now()).is_due());
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_is_as_old_as_its_question() {
        let (life, now) = (grant(Duration::from_secs(300)), Instant::now());
        assert!(given(&life, None, now).is_fresh());
        assert!(!given(&life, None, now.checked_sub(HEARD_FOR).unwrap()).is_fresh());
    }
}
