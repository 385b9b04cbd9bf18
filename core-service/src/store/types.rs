//! The last offset of each event type of a topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::store::{Error, codec};

/// Event types of a topic whose last offset is known: a snapshot of last values holds no more.
const TYPES_MAX: usize = 64;

/// By type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Types(BTreeMap<Arc<str>, u64>);

impl Types {
    /// Reads what [`Types::stored`] wrote.
    pub(crate) fn read(stored: &str) -> Result<Types, Error> {
        codec::from_json(stored.as_bytes()).map(Types)
    }

    pub(crate) fn stored(&self) -> Result<String, Error> {
        serde_json::to_string(&self.0).map_err(|error| Error::Damaged(error.to_string()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes an event. When there are too many types, the one that was silent longest goes.
    pub(crate) fn note(&mut self, kind: &Arc<str>, offset: u64) {
        if let Some(last) = self.0.get_mut(kind) {
            *last = offset;
            return;
        }
        self.0.insert(Arc::clone(kind), offset);
        if self.0.len() > TYPES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, offset)| **offset);
            let oldest = oldest.map(|(kind, _)| Arc::clone(kind));
            oldest.map(|kind| self.0.remove(&kind));
        }
    }

    /// Forgets what lies at the floor or below.
    pub(crate) fn raise(&mut self, floor: u64) {
        self.0.retain(|_, offset| *offset > floor);
    }

    /// Offsets of the newest `limit` types above the floor, in order.
    pub(crate) fn newest(self, floor: u64, limit: usize) -> Vec<u64> {
        let mut offsets: Vec<u64> = self.0.into_values().filter(|at| *at > floor).collect();
        offsets.sort_unstable();
        offsets.split_off(offsets.len().saturating_sub(limit))
    }
}
