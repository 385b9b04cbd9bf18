//! How long this store keeps events: the defaults, and what the configuration says otherwise.

use std::collections::BTreeMap;

use super::row::KINDS;
use crate::domain::retention::Retention;
use crate::domain::topic::Kind;

/// A retention for each kind of topic.
#[derive(Debug)]
pub(super) struct Retentions([Retention; KINDS.len()]);

impl Retentions {
    pub(super) fn new(configured: &BTreeMap<Kind, Retention>) -> Retentions {
        let of = |kind| configured.get(&kind).copied().unwrap_or(Retention::of(kind));
        Retentions(KINDS.map(of))
    }

    pub(super) fn of(&self, kind: Kind) -> Retention {
        let [job, session, project, room, user] = self.0;
        match kind {
            Kind::Job => job,
            Kind::Session => session,
            Kind::Project => project,
            Kind::Room => room,
            Kind::User => user,
        }
    }

    /// Whether a topic holds more than it may.
    pub(super) fn is_passed(&self, kind: Kind, events: u64, bytes: u64) -> bool {
        let retention = self.of(kind);
        retention.events.is_some_and(|most| events > most)
            || retention.bytes.is_some_and(|most| bytes > most)
    }
}
