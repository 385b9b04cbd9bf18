//! Why connections were ended that could not be told so: a pipe that is full takes no farewell.
//!
//! Whoever comes back to the same edge and shows which connection it had learns it then, once. What
//! shows it is the `connection_id` that it was greeted with, or the `pid` of a client that recovers.
//! Other edges do not know, and nothing depends on it: the client goes on from its cursors either way.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lru::LruCache;
use roomcast_identity::User;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{lane::KillReason, names::now};

/// Clients that come back at all do so sooner.
const DEPARTURES_KEPT: Duration = Duration::from_secs(5 * 60);
/// Two for each socket of an edge that is half full of them: some 3 MB.
const DEPARTURES_MAX: NonZeroUsize = NonZeroUsize::new(20_000).expect("above zero");

/// The connections of this edge that ended without a farewell. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Departures(Arc<Mutex<LruCache<String, Departure>>>);

#[derive(Debug)]
struct Departure {
    tenant: String,
    user_id: String,
    at: Instant,
    previous: Previous,
}

/// How the connection ended that a client had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Previous {
    /// Why: `slow_consumer`, `stalled` or `flooding`, of which its client could not be told.
    reason: &'static str,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    ended_at: String,
}

impl Default for Departures {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(DEPARTURES_MAX))))
    }
}

impl Departures {
    /// A user's connection has ended, which goes by these names. What was told on its way is not kept.
    pub(crate) fn note<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        user: &User,
        reason: KillReason,
    ) {
        if reason.is_told() {
            return;
        }
        let previous = Previous { reason: reason.as_str(), ended_at: now() };
        let mut all = self.lock();
        for name in names {
            let departure = Departure {
                tenant: user.tenant.clone(),
                user_id: user.id.clone(),
                at: Instant::now(),
                previous: previous.clone(),
            };
            all.put(name.to_owned(), departure);
        }
    }

    /// What this user is to be told of a connection that goes by one of these names.
    pub(crate) fn take<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        user: &User,
    ) -> Option<Previous> {
        let mut all = self.lock();
        names.into_iter().find_map(|name| {
            let departure = all.peek(name)?;
            let is_theirs = departure.tenant == user.tenant && departure.user_id == user.id;
            if !is_theirs || departure.at.elapsed() > DEPARTURES_KEPT {
                return None;
            }
            all.pop(name).map(|departure| departure.previous)
        })
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, Departure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> User {
        User { id: id.to_owned(), ..User::dev() }
    }

    fn reason(departures: &Departures, names: &[&str], user: &User) -> Option<&'static str> {
        departures.take(names.iter().copied(), user).map(|previous| previous.reason)
    }

    #[test]
    fn who_shows_a_name_of_its_connection_is_told_once() {
        let (departures, ana) = (Departures::default(), user("ana"));
        departures.note(["c", "p"], &ana, KillReason::SlowConsumer);
        assert_eq!(reason(&departures, &["x", "c"], &ana), Some("slow_consumer"));
        assert_eq!(reason(&departures, &["c"], &ana), None);
        assert_eq!(reason(&departures, &["p"], &ana), Some("slow_consumer"));
    }

    #[test]
    fn anothers_connection_is_not_told_of() {
        let departures = Departures::default();
        departures.note(["c"], &user("ana"), KillReason::Flooding);
        assert_eq!(reason(&departures, &["c"], &user("eve")), None);
        assert_eq!(reason(&departures, &["c"], &user("ana")), Some("flooding"));
    }

    #[test]
    fn what_a_client_was_told_before_it_left_is_not_kept() {
        let (departures, ana) = (Departures::default(), user("ana"));
        for told in
            [KillReason::Draining, KillReason::Refused, KillReason::Dismissed, KillReason::Idle]
        {
            departures.note(["c"], &ana, told);
        }
        assert_eq!(reason(&departures, &["c"], &ana), None);
    }
}
