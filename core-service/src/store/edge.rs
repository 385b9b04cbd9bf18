//! Edges as all cores know them. Each has one core that speaks for it, the last one it announced itself
//! to: nobody else's word about who is there through it counts. An edge that no core has heard of for a
//! lease is silent; whichever core notices first speaks for it then, and says that everybody has gone.

use bytes::Bytes;

use crate::domain::time::Time;

/// An edge lives, and this core speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attend {
    /// The edge.
    pub edge_id: String,
    /// The core that it has announced itself to.
    pub core_id: String,
    /// Numbers the edge's words: one that was said before another came late.
    pub number: u64,
    /// The parts of who is connected that have changed, each whole; an empty one goes.
    pub parts: Vec<(u32, Bytes)>,
}

/// What is known of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The core that speaks for it.
    pub core_id: String,
    /// The number of the edge's last word that was noted.
    pub number: u64,
    /// When it is silent for too long.
    pub expires_at: Time,
}

impl Held {
    /// Whether a word came late: the edge has said something since, or said the same to another core.
    #[must_use]
    pub fn is_ahead_of(&self, attend: &Attend) -> bool {
        let is_repeated = self.number == attend.number && self.core_id != attend.core_id;
        // An edge of the version before does not number its words.
        attend.number != 0 && (self.number > attend.number || is_repeated)
    }
}

/// One part of who is connected to an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOfEdge {
    /// Which.
    pub place: Place,
    /// The part, in the service's own encoding.
    pub doc: Bytes,
}

/// Where a part stands among those of all edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The edge.
    pub edge_id: String,
    /// Its part.
    pub part: u64,
}
