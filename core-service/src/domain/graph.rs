//! A session's graph: a pure machine. A [`Command`] on a graph comes to [`Change`]s; folding them
//! gives exactly the graph, and their inverses, backwards, give the graph before byte for byte.
//!
//! ```text
//! Command ─decide(Look)─▶ Changes ─▶ events, rows, and one Step of the history
//!                                     undo: the step's inverses   redo: the step again
//! ```
//!
//! A graph may be large and a command must not cost more for it, so the machine never holds a whole
//! one: it [looks](Look) up the nodes that a command touches, and answers what changes.

mod change;
mod command;
mod decide;
mod document;
mod history;
mod order;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use change::Change;
pub use command::{Command, Limit, Refusal};
pub use decide::{Look, Stop, decide};
pub use document::Document;
pub use history::{History, Step};
pub use order::{Order, Performed, Wish, perform};

/// The graph that a command means when it names none.
pub const MAIN: &str = "main";

/// A vertex.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in its graph.
    pub node_id: String,
    /// The application's own type.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub node_type: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The node it was created below. Never changes, whatever becomes of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// JSON texts by key, byte for byte as they came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// What a node or link takes besides its texts, roughly: a row and its index.
const ROW_BYTES: u64 = 64;

impl Node {
    /// What it counts against the limits.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let parent = self.parent_id.as_ref().map_or(0, String::len);
        let head = self.node_id.len() + self.node_type.len() + self.name.len() + parent;
        let property = |(key, value): (&String, &String)| (key.len() + value.len()) as u64;
        ROW_BYTES + head as u64 + self.properties.iter().map(property).sum::<u64>()
    }
}

/// An edge: `node_id` lies below `parent_id`. Ordered by node, then parent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// The lower end.
    pub node_id: String,
    /// The upper end.
    pub parent_id: String,
}

impl Link {
    /// What it counts against the limits.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        ROW_BYTES + (self.node_id.len() + self.parent_id.len()) as u64
    }
}

/// How large a graph is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Nodes.
    pub nodes: u64,
    /// Bytes of nodes and links.
    pub bytes: u64,
}

/// What is known of a graph without looking into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Grows by one with every command, undo, redo and load.
    pub version: u64,
    /// What can be undone and redone.
    pub history: History,
    /// How large it is.
    pub size: Size,
}
