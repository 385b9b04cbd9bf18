//! Who holds rights at this edge, so that a change of rights reaches exactly those whom it touches.
//!
//! Whoever delivers under a right keeps a [`Hold`]. A change marks the holds that it touches, and they
//! ask the core anew before they deliver anything more. The edge itself never judges. While the core is
//! not heard ([`Rights::is_heard`]) no right counts that was not given a moment ago.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use roomcast_proto::v1::AccessChanged;
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::Instant,
};

use super::Session;

/// A right counts this long without news from the core. With what is on its way meanwhile it ends
/// within the five seconds that are promised.
pub(crate) const HEARD_FOR: Duration = Duration::from_secs(4);

/// Rights asked for anew at once: when all are, as after a lost history, the core must not drown.
pub(super) const RENEWALS_MAX: usize = 64;

/// The rights that are held. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rights(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    holders: Mutex<Holders>,
    renewals: Semaphore,
    began: Instant,
    /// In milliseconds since `began`.
    heard_until: AtomicU64,
}

#[derive(Debug, Default)]
struct Holders {
    by_user: HashMap<User, HashMap<u64, Weak<Seat>>>,
    last_number: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct User {
    tenant: String,
    subject: String,
}

/// One right, held: to a topic, or to be connected at all.
#[derive(Debug)]
pub(crate) struct Hold {
    rights: Rights,
    number: u64,
    seat: Arc<Seat>,
    /// The touches that were answered.
    settled: u64,
}

#[derive(Debug)]
struct Seat {
    session: Arc<Session>,
    topic: Option<String>,
    /// How often it was touched.
    touches: AtomicU64,
    news: Notify,
    /// Told as well, where whoever holds the right waits for more than that.
    wake: OnceLock<Arc<Notify>>,
}

impl Default for Rights {
    fn default() -> Self {
        Self(Arc::new(Shared {
            holders: Mutex::default(),
            renewals: Semaphore::new(RENEWALS_MAX),
            began: Instant::now(),
            heard_until: AtomicU64::new(0),
        }))
    }
}

impl Rights {
    /// Holds a right, before it is asked for: a change that comes meanwhile must not be missed.
    pub(crate) fn hold(&self, session: &Arc<Session>, topic: Option<&str>) -> Hold {
        let seat = Arc::new(Seat {
            session: Arc::clone(session),
            topic: topic.map(str::to_owned),
            touches: AtomicU64::new(0),
            news: Notify::new(),
            wake: OnceLock::new(),
        });
        let mut holders = self.holders();
        holders.last_number += 1;
        let number = holders.last_number;
        let held = holders.by_user.entry(User::of(session)).or_default();
        held.insert(number, Arc::downgrade(&seat));
        drop(holders);
        Hold { rights: self.clone(), number, seat, settled: 0 }
    }

    /// Whether the core was heard of late, so that every change until a moment ago is known.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard_at(Instant::now())
    }

    fn is_heard_at(&self, now: Instant) -> bool {
        self.since_began(now) < self.0.heard_until.load(Ordering::Acquire)
    }

    /// The core was heard, after all changes until now were.
    pub(super) fn hear(&self, now: Instant) {
        let until = self.since_began(now + HEARD_FOR);
        self.0.heard_until.store(until, Ordering::Release);
    }

    /// Has the rights asked for anew that a change names. Answers how many.
    pub(super) fn touch(&self, change: &AccessChanged) -> usize {
        let touched: Vec<_> = {
            let holders = self.holders();
            let held: Vec<_> = if change.subject.is_empty() {
                let of_tenant = holders.by_user.iter();
                let of_tenant = of_tenant.filter(|(user, _)| user.tenant == change.tenant);
                of_tenant.flat_map(|(_, held)| held.values()).collect()
            } else {
                let tenant = change.tenant.clone();
                let user = User { tenant, subject: change.subject.clone() };
                holders.by_user.get(&user).into_iter().flat_map(HashMap::values).collect()
            };
            let held = held.into_iter().filter_map(Weak::upgrade);
            held.filter(|seat| seat.is_meant(change)).collect()
        };
        touched.iter().for_each(|seat| seat.touch());
        touched.len()
    }

    /// Has every right asked for anew.
    pub(super) fn touch_all(&self) -> usize {
        let all: Vec<_> = {
            let holders = self.holders();
            let held = holders.by_user.values().flat_map(HashMap::values);
            held.filter_map(Weak::upgrade).collect()
        };
        all.iter().for_each(|seat| seat.touch());
        all.len()
    }

    /// Goes on under a fresh token of the same user: what was granted is asked for under it.
    pub(crate) fn replace_token(&self, session: &Session, fresh: &Session) {
        session.take_token_of(fresh);
        let seats: Vec<_> = {
            let holders = self.holders();
            let held = holders.by_user.get(&User::of(session));
            held.into_iter().flat_map(HashMap::values).filter_map(Weak::upgrade).collect()
        };
        let own = seats.iter().filter(|seat| std::ptr::eq(Arc::as_ptr(&seat.session), session));
        own.for_each(|seat| seat.touch());
    }

    /// Waits for a turn to ask for a right anew.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.0.renewals.acquire().await.ok()
    }

    fn since_began(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.0.began).as_millis()).unwrap_or(u64::MAX)
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.0.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl User {
    fn of(session: &Session) -> Self {
        Self { tenant: session.tenant().to_owned(), subject: session.subject().to_owned() }
    }
}

impl Hold {
    /// Waits until the right must be asked for anew. Dropping the future loses nothing.
    pub(crate) async fn touched(&self) {
        while !self.is_touched() {
            self.seat.news.notified().await;
        }
    }

    /// From here on `wake` is told of each touch.
    pub(crate) fn wakes(&self, wake: Arc<Notify>) {
        // Whoever was to be told first still is.
        let _ = self.seat.wake.set(wake);
    }

    /// The same right under the name that the core gave its topic.
    pub(crate) fn named(self, topic: &str) -> Self {
        if self.seat.topic.as_deref() == Some(topic) {
            return self;
        }
        let named = self.rights.hold(&self.seat.session, Some(topic));
        if self.is_touched() {
            named.touch();
        }
        named
    }

    /// Whether the right must be asked for anew before it is used again.
    pub(crate) fn is_touched(&self) -> bool {
        self.touches() != self.settled
    }

    /// How often it was touched: to be remembered before the core is asked.
    pub(crate) fn touches(&self) -> u64 {
        self.seat.touches.load(Ordering::Acquire)
    }

    /// The core was asked after so many touches, and gave the right.
    pub(crate) fn settle(&mut self, touches: u64) {
        self.settled = touches;
    }

    /// Has this right asked for anew.
    pub(crate) fn touch(&self) {
        self.seat.touch();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holders = self.rights.holders();
        let user = User::of(&self.seat.session);
        if let Some(held) = holders.by_user.get_mut(&user) {
            held.remove(&self.number);
            if held.is_empty() {
                holders.by_user.remove(&user);
            }
        }
    }
}

impl Seat {
    /// Whether a change of the seat's tenant and subject means it.
    fn is_meant(&self, change: &AccessChanged) -> bool {
        let is_of_topic =
            change.topic.is_empty() || self.topic.as_deref() == Some(change.topic.as_str());
        is_of_topic && (change.token_id.is_empty() || self.session.is_under(&change.token_id))
    }

    fn touch(&self) {
        self.touches.fetch_add(1, Ordering::Release);
        self.news.notify_one();
        if let Some(wake) = self.wake.get() {
            wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
