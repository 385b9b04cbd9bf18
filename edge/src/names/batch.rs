//! Events that arrived together: their frames as few pieces, the same for all who get them.

use std::sync::{Arc, OnceLock};

use super::Encoded;
use crate::lane::{Frames, Namespace};

/// The next events of one topic.
#[derive(Debug)]
pub struct Batch {
    events: Vec<Arc<Encoded>>,
    /// Each made when the first socket of that namespace wants it.
    root: OnceLock<Vec<Frames>>,
    graph: OnceLock<Vec<Frames>>,
}

impl Batch {
    pub(crate) fn new(events: Vec<Arc<Encoded>>) -> Self {
        Self { events, root: OnceLock::new(), graph: OnceLock::new() }
    }

    /// In the order of the log.
    #[must_use]
    pub fn events(&self) -> &[Arc<Encoded>] {
        &self.events
    }

    /// All of them as one namespace has them.
    pub(crate) fn frames(&self, namespace: Namespace) -> &[Frames] {
        let frames = match namespace {
            Namespace::Root => &self.root,
            Namespace::Graph => &self.graph,
        };
        frames.get_or_init(|| {
            Frames::join(self.events.iter().map(|event| event.spellings().frame(namespace)))
        })
    }
}
