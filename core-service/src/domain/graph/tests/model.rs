//! The plainest graph there is: whole copies for undo, and rules that look at everything.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Command, Document, Link, Node};
use crate::domain::limits::UNDO_DEPTH_MAX;

/// All nodes, and all links as parent and node.
type Whole = (BTreeMap<String, Node>, BTreeSet<(String, String)>);

/// A graph, and whole copies of it for undo, redo and load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    nodes: BTreeMap<String, Node>,
    links: BTreeSet<(String, String)>,
    past: Vec<Whole>,
    future: Vec<Whole>,
    saves: Vec<Whole>,
}

impl Model {
    /// Whether the command is taken.
    pub(crate) fn execute(&mut self, command: &Command) -> bool {
        let before = (self.nodes.clone(), self.links.clone());
        if self.apply(command) {
            self.past.push(before);
            if self.past.len() as u64 > UNDO_DEPTH_MAX {
                self.past.remove(0);
            }
            self.future.clear();
            return true;
        }
        (self.nodes, self.links) = before;
        false
    }

    pub(crate) fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push((self.nodes.clone(), self.links.clone()));
        (self.nodes, self.links) = before;
        true
    }

    pub(crate) fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push((self.nodes.clone(), self.links.clone()));
        (self.nodes, self.links) = after;
        true
    }

    pub(crate) fn save(&mut self) {
        self.saves.push((self.nodes.clone(), self.links.clone()));
    }

    /// Whether there is a save of this version.
    pub(crate) fn load(&mut self, version: usize) -> bool {
        let save = version.checked_sub(1).and_then(|index| self.saves.get(index));
        let Some(save) = save.cloned() else { return false };
        (self.nodes, self.links) = save;
        self.past.clear();
        self.future.clear();
        true
    }

    /// What the save of a version holds.
    pub(crate) fn saved(&self, version: u64) -> Document {
        let index = usize::try_from(version - 1).expect("small");
        let (nodes, links) = self.saves[index].clone();
        let links = links.into_iter().map(|(parent_id, node_id)| Link { node_id, parent_id });
        Document { nodes, links: links.collect() }
    }

    /// Byte for byte.
    pub(crate) fn is(&self, document: &Document) -> bool {
        let links = document.links.iter();
        let links = links.map(|link| (link.parent_id.clone(), link.node_id.clone()));
        self.nodes == document.nodes && self.links == links.collect()
    }

    fn apply(&mut self, command: &Command) -> bool {
        match command {
            Command::CreateNode(node) => {
                let parent = node.parent_id.clone();
                if self.nodes.contains_key(&node.node_id)
                    || parent.as_ref().is_some_and(|parent| !self.nodes.contains_key(parent))
                {
                    return false;
                }
                self.nodes.insert(node.node_id.clone(), node.clone());
                self.links.extend(parent.map(|parent| (parent, node.node_id.clone())));
                true
            }
            Command::DeleteNode { node_id } => {
                let has_children = self.links.iter().any(|(parent, _)| parent == node_id);
                self.links.retain(|(_, node)| node != node_id);
                !has_children && self.nodes.remove(node_id).is_some()
            }
            Command::LinkNode(Link { node_id, parent_id }) => {
                self.nodes.contains_key(node_id)
                    && self.nodes.contains_key(parent_id)
                    && self.links.insert((parent_id.clone(), node_id.clone()))
                    && !self.has_circle()
            }
            Command::UnlinkNode(Link { node_id, parent_id }) => {
                self.links.remove(&(parent_id.clone(), node_id.clone()))
            }
            Command::SetProperty { node_id, key, value } => {
                let node = self.nodes.get_mut(node_id);
                node.map(|node| node.properties.insert(key.clone(), value.clone())).is_some()
            }
            Command::DeleteProperty { node_id, key } => {
                let node = self.nodes.get_mut(node_id);
                node.is_some_and(|node| node.properties.remove(key).is_some())
            }
            Command::Batch(commands) => commands.iter().all(|command| self.apply(command)),
        }
    }

    /// Takes away nodes without parents until none is left, or only circles are.
    fn has_circle(&self) -> bool {
        let mut links = self.links.clone();
        loop {
            let lower: BTreeSet<_> = links.iter().map(|(_, node)| node.clone()).collect();
            let before = links.len();
            links.retain(|(parent, _)| lower.contains(parent));
            if links.len() == before {
                return before > 0;
            }
        }
    }
}
