//! Which publishing was told of lately. What takes the role admin is told once a minute of a caller and a
//! topic: a tool that publishes by it ten times a second would fill a log that is kept for a year.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

use crate::domain::audit::{Entry, Outcome};

/// Between two entries of one caller and topic: an operator who reads them sees who was at work, and when.
const INTERVAL: Duration = Duration::from_secs(60);
/// Callers and topics that are remembered: some 3 MB. Those beyond are told of more often.
const REMEMBERED_MAX: usize = 10_000;

/// A tenant, who publishes in it, where, and how it ended: what was refused hides nothing that was done.
type Key = (String, String, String, Outcome);

/// What was told when. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Told(Arc<Mutex<LruCache<Key, Instant>>>);

impl Told {
    pub(super) fn new() -> Told {
        Told(Arc::new(Mutex::new(LruCache::unbounded())))
    }

    /// Whether an act is to be told of.
    pub(super) fn is_due(&self, entry: &Entry, now: Instant) -> bool {
        self.lock().peek(&key(entry)).is_none_or(|told| now >= *told + INTERVAL)
    }

    /// Notes an entry that is in the log.
    pub(super) fn note(&self, entry: &Entry, now: Instant) {
        let mut told = self.lock();
        told.put(key(entry), now);
        if told.len() > REMEMBERED_MAX {
            told.pop_lru();
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(Entry { tenant, by, target, outcome, .. }: &Entry) -> Key {
    (tenant.clone(), by.clone(), target.clone(), *outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Act;

    fn entry(by: &str, target: &str) -> Entry {
        Entry {
            tenant: "acme".into(),
            act: Act::Publish,
            target: target.into(),
            by: by.into(),
            from: None,
            outcome: Outcome::Done,
            code: None,
        }
    }

    #[test]
    fn a_caller_is_told_of_once_a_minute_and_topic() {
        let (told, now) = (Told::new(), Instant::now());
        let root = entry("root", "room:a");
        assert!(told.is_due(&root, now));
        assert!(told.is_due(&root, now), "nothing was told yet");
        told.note(&root, now);
        assert!(!told.is_due(&root, now + INTERVAL / 2));
        let refused = root.clone().refused("offset_conflict");
        for other in [entry("eve", "room:a"), entry("root", "room:b"), refused] {
            assert!(told.is_due(&other, now), "{other:?}");
        }
        assert!(told.is_due(&root, now + INTERVAL));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let (told, now) = (Told::new(), Instant::now());
        for n in 0..=REMEMBERED_MAX {
            told.note(&entry("root", &format!("room:{n}")), now);
        }
        assert_eq!(told.lock().len(), REMEMBERED_MAX);
        assert!(told.is_due(&entry("root", "room:0"), now), "the oldest is forgotten");
    }
}
