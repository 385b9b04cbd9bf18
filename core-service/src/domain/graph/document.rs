//! A whole graph in memory: what a snapshot shows, and what the changes fold into.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::{Change, Link, Look, Node, Size};

/// A whole graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// By id.
    pub nodes: BTreeMap<String, Node>,
    /// Ordered by node, then parent.
    pub links: BTreeSet<Link>,
}

impl Document {
    /// Folds a change in.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::NodeCreated(node) => {
                self.nodes.insert(node.node_id.clone(), node.clone());
            }
            Change::NodeDeleted(node) => {
                self.nodes.remove(&node.node_id);
            }
            Change::NodeLinked(link) => {
                self.links.insert(link.clone());
            }
            Change::NodeUnlinked(link) => {
                self.links.remove(link);
            }
            Change::PropertyChanged { node_id, key, value, .. } => {
                if let Some(node) = self.nodes.get_mut(node_id) {
                    node.properties.insert(key.clone(), value.clone());
                }
            }
            Change::PropertyDeleted { node_id, key, .. } => {
                if let Some(node) = self.nodes.get_mut(node_id) {
                    node.properties.remove(key);
                }
            }
        }
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        let links: u64 = self.links.iter().map(Link::bytes).sum();
        let bytes = self.nodes.values().map(Node::bytes).sum::<u64>() + links;
        Size { nodes: self.nodes.len() as u64, bytes }
    }
}

impl Look for Document {
    type Error = Infallible;

    fn node(&self, node_id: &str) -> Result<Option<Node>, Infallible> {
        Ok(self.nodes.get(node_id).cloned())
    }

    fn parents(&self, node_id: &str) -> Result<BTreeSet<String>, Infallible> {
        let first = Link { node_id: node_id.to_owned(), parent_id: String::new() };
        let links = self.links.range(first..).take_while(|link| link.node_id == node_id);
        Ok(links.map(|link| link.parent_id.clone()).collect())
    }

    fn children(&self, node_id: &str, max: usize) -> Result<usize, Infallible> {
        Ok(self.links.iter().filter(|link| link.parent_id == node_id).take(max).count())
    }
}
