//! What a command comes to: small facts with exact inverses.

use serde::{Deserialize, Serialize};

use super::{Link, Node, Size};

/// One fact of a graph's life. It carries what its inverse needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A node came to be, with its properties.
    NodeCreated(Node),
    /// A node is gone; its links went before it.
    NodeDeleted(Node),
    /// A node lies below another.
    NodeLinked(Link),
    /// It does so no longer.
    NodeUnlinked(Link),
    /// A property has a new value.
    PropertyChanged {
        /// The node.
        node_id: String,
        /// The property.
        key: String,
        /// Its value.
        value: String,
        /// The value before, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<String>,
    },
    /// A property is gone.
    PropertyDeleted {
        /// The node.
        node_id: String,
        /// The property.
        key: String,
        /// The value before.
        old: String,
    },
}

impl Change {
    /// The change's type on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Change::NodeCreated(_) => "graph.node_created",
            Change::NodeDeleted(_) => "graph.node_deleted",
            Change::NodeLinked(_) => "graph.node_linked",
            Change::NodeUnlinked(_) => "graph.node_unlinked",
            Change::PropertyChanged { .. } => "graph.property_changed",
            Change::PropertyDeleted { .. } => "graph.property_deleted",
        }
    }

    /// What takes it back.
    #[must_use]
    pub fn inverse(self) -> Change {
        match self {
            Change::NodeCreated(node) => Change::NodeDeleted(node),
            Change::NodeDeleted(node) => Change::NodeCreated(node),
            Change::NodeLinked(link) => Change::NodeUnlinked(link),
            Change::NodeUnlinked(link) => Change::NodeLinked(link),
            Change::PropertyChanged { node_id, key, value, old: Some(old) } => {
                Change::PropertyChanged { node_id, key, value: old, old: Some(value) }
            }
            Change::PropertyChanged { node_id, key, value, old: None } => {
                Change::PropertyDeleted { node_id, key, old: value }
            }
            Change::PropertyDeleted { node_id, key, old } => {
                Change::PropertyChanged { node_id, key, value: old, old: None }
            }
        }
    }

    /// Bytes it holds: what it adds to a step of the history.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Change::NodeCreated(node) | Change::NodeDeleted(node) => node.bytes(),
            Change::NodeLinked(link) | Change::NodeUnlinked(link) => link.bytes(),
            Change::PropertyChanged { node_id, key, value, old } => {
                let old = old.as_ref().map_or(0, String::len);
                (node_id.len() + key.len() + value.len() + old) as u64
            }
            Change::PropertyDeleted { node_id, key, old } => {
                (node_id.len() + key.len() + old.len()) as u64
            }
        }
    }
}

impl Size {
    /// The size after a change.
    #[must_use]
    pub fn after(self, change: &Change) -> Size {
        let Size { nodes, bytes } = self;
        let (more, less) = match change {
            Change::NodeCreated(node) => {
                return Size { nodes: nodes + 1, bytes: bytes + node.bytes() };
            }
            Change::NodeDeleted(node) => {
                let (nodes, bytes) = (nodes.saturating_sub(1), bytes.saturating_sub(node.bytes()));
                return Size { nodes, bytes };
            }
            Change::NodeLinked(link) => (link.bytes(), 0),
            Change::NodeUnlinked(link) => (0, link.bytes()),
            Change::PropertyChanged { value, old: Some(old), .. } => {
                (value.len() as u64, old.len() as u64)
            }
            Change::PropertyChanged { key, value, old: None, .. } => {
                ((key.len() + value.len()) as u64, 0)
            }
            Change::PropertyDeleted { key, old, .. } => (0, (key.len() + old.len()) as u64),
        };
        Size { nodes, bytes: (bytes + more).saturating_sub(less) }
    }
}
