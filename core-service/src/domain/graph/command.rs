//! What can be asked of a graph, and why it may refuse.

use serde::{Deserialize, Serialize};

use super::{Link, Node};

/// Something asked of a graph. Texts are within their limits, values are JSON: whoever takes a
/// command in has checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Add a node and, if it names a parent, the link to it.
    CreateNode(Node),
    /// Remove a node without children, and its links.
    DeleteNode {
        /// Which.
        node_id: String,
    },
    /// Put a node below another.
    LinkNode(Link),
    /// Take it away from there.
    UnlinkNode(Link),
    /// Set a property.
    SetProperty {
        /// The node.
        node_id: String,
        /// The property.
        key: String,
        /// A JSON text.
        value: String,
    },
    /// Remove a property.
    DeleteProperty {
        /// The node.
        node_id: String,
        /// The property.
        key: String,
    },
    /// Several, each on what the one before left: all or none.
    Batch(Vec<Command>),
}

impl Command {
    /// The command's type, as people write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Command::CreateNode(_) => "create_node",
            Command::DeleteNode { .. } => "delete_node",
            Command::LinkNode(_) => "link_node",
            Command::UnlinkNode(_) => "unlink_node",
            Command::SetProperty { .. } => "set_property",
            Command::DeleteProperty { .. } => "delete_property",
            Command::Batch(_) => "batch",
        }
    }

    /// Bytes of its texts, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Command::CreateNode(node) => usize::try_from(node.bytes()).unwrap_or(usize::MAX),
            Command::SetProperty { node_id, key, value } => node_id.len() + key.len() + value.len(),
            Command::DeleteNode { node_id } => node_id.len(),
            Command::DeleteProperty { node_id, key } => node_id.len() + key.len(),
            Command::LinkNode(link) | Command::UnlinkNode(link) => {
                link.node_id.len() + link.parent_id.len()
            }
            Command::Batch(commands) => commands.iter().map(Command::bytes).sum(),
        }
    }
}

/// Why a graph refuses a command. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such node.
    #[error("there is no node {0}")]
    NodeNotFound(String),
    /// The id is taken.
    #[error("there is a node {0} already")]
    NodeExists(String),
    /// A node with children is not deleted: what becomes of them is the caller's to say.
    #[error("node {0} has children; delete or unlink them first, or in one batch with it")]
    HasChildren(String),
    /// The upper end lies below the lower one, or is the same.
    #[error("linking node {node_id} below {parent_id} would close a circle")]
    Cycle {
        /// The lower end.
        node_id: String,
        /// The upper end.
        parent_id: String,
    },
    /// The link is there.
    #[error("node {node_id} lies below {parent_id} already")]
    LinkExists {
        /// The lower end.
        node_id: String,
        /// The upper end.
        parent_id: String,
    },
    /// The link is not there.
    #[error("node {node_id} does not lie below {parent_id}")]
    LinkNotFound {
        /// The lower end.
        node_id: String,
        /// The upper end.
        parent_id: String,
    },
    /// No such property.
    #[error("node {node_id} has no property {key}")]
    PropertyNotFound {
        /// The node.
        node_id: String,
        /// The property.
        key: String,
    },
    /// The graph has changed since the caller looked.
    #[error("the graph is at version {version}, not {expected}")]
    VersionConflict {
        /// Where it is.
        version: u64,
        /// Where it was expected.
        expected: u64,
    },
    /// The history has no command that stands.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// The history has no command that was undone.
    #[error("there is nothing to redo")]
    NothingToRedo,
    /// It would grow beyond a limit.
    #[error("{limit}: at most {max}")]
    Full {
        /// Which.
        limit: Limit,
        /// How much it is.
        max: u64,
    },
}

/// A limit of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Nodes of one graph.
    Nodes,
    /// Bytes of all graphs of a session.
    Bytes,
    /// Graphs of a session.
    Graphs,
    /// Bytes of one node.
    NodeBytes,
    /// Properties of one node.
    Properties,
    /// Parents of one node.
    Parents,
    /// Nodes above a node.
    Ancestors,
    /// Bytes that one command changes.
    Step,
    /// Names under which graphs are saved.
    Saves,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Limit::Nodes => "nodes of the graph",
            Limit::Bytes => "bytes of the session's graphs",
            Limit::Graphs => "graphs of the session",
            Limit::NodeBytes => "bytes of the node",
            Limit::Properties => "properties of the node",
            Limit::Parents => "parents of the node",
            Limit::Ancestors => "nodes above the parent",
            Limit::Step => "bytes changed by the command",
            Limit::Saves => "names of saves",
        })
    }
}
