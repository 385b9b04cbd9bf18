//! What a command changes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Command, Limit, Link, Node, Refusal, Size};
use crate::domain::limits;

/// Looks into a graph as it stands before a command. What it answers must not depend on the graph's
/// size.
pub trait Look {
    /// Why it cannot see.
    type Error;

    /// A node with its properties.
    ///
    /// # Errors
    /// When it cannot be read.
    fn node(&self, node_id: &str) -> Result<Option<Node>, Self::Error>;

    /// The nodes right above a node.
    ///
    /// # Errors
    /// When they cannot be read.
    fn parents(&self, node_id: &str) -> Result<BTreeSet<String>, Self::Error>;

    /// How many nodes lie right below a node, counted no further than `max`.
    ///
    /// # Errors
    /// When they cannot be read.
    fn children(&self, node_id: &str, max: usize) -> Result<usize, Self::Error>;
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop<E> {
    /// The graph refuses.
    Refused(Refusal),
    /// The graph cannot be read.
    Broken(E),
}

impl<E> From<Refusal> for Stop<E> {
    fn from(refusal: Refusal) -> Stop<E> {
        Stop::Refused(refusal)
    }
}

/// Decides what `command` changes in a graph of this size, in a session whose other graphs have
/// `elsewhere` bytes.
///
/// # Errors
/// When the graph refuses or cannot be read.
pub fn decide<L: Look>(
    look: &L,
    size: Size,
    elsewhere: u64,
    command: Command,
) -> Result<Vec<Change>, Stop<L::Error>> {
    let mut draft = Draft {
        look,
        size,
        elsewhere,
        nodes: BTreeMap::new(),
        parents: BTreeMap::new(),
        below: BTreeMap::new(),
        bytes: 0,
        changes: Vec::new(),
    };
    draft.command(command)?;
    Ok(draft.changes)
}

/// A graph being changed: what was looked at, as it stands after the changes so far.
struct Draft<'look, L> {
    look: &'look L,
    size: Size,
    elsewhere: u64,
    nodes: BTreeMap<String, Option<Node>>,
    parents: BTreeMap<String, BTreeSet<String>>,
    /// Links added and removed below a node.
    below: BTreeMap<String, i64>,
    /// What the changes hold.
    bytes: u64,
    changes: Vec<Change>,
}

type Outcome<T, L> = Result<T, Stop<<L as Look>::Error>>;

impl<L: Look> Draft<'_, L> {
    fn command(&mut self, command: Command) -> Outcome<(), L> {
        match command {
            Command::CreateNode(node) => self.create(node),
            Command::DeleteNode { node_id } => self.delete(&node_id),
            Command::LinkNode(link) => self.link(link),
            Command::UnlinkNode(link) => self.unlink(link),
            Command::SetProperty { node_id, key, value } => self.set_property(node_id, key, value),
            Command::DeleteProperty { node_id, key } => self.delete_property(node_id, key),
            Command::Batch(commands) => {
                commands.into_iter().try_for_each(|command| self.command(command))
            }
        }
    }

    fn create(&mut self, node: Node) -> Outcome<(), L> {
        if self.node(&node.node_id)?.is_some() {
            return Err(Refusal::NodeExists(node.node_id).into());
        }
        let parent = node.parent_id.clone();
        if let Some(parent) = &parent {
            self.existing(parent)?;
        }
        let link = parent.map(|parent_id| Link { parent_id, node_id: node.node_id.clone() });
        within(Limit::Nodes, self.size.nodes + 1, limits::GRAPH_NODES_MAX)?;
        within(Limit::Properties, node.properties.len() as u64, limits::NODE_PROPERTIES_MAX)?;
        within(Limit::NodeBytes, node.bytes(), limits::NODE_BYTES_MAX)?;
        self.change(Change::NodeCreated(node))?;
        // A new node has nothing below it: no link to it can close a circle.
        link.map_or(Ok(()), |link| self.change(Change::NodeLinked(link)))
    }

    fn delete(&mut self, node_id: &str) -> Outcome<(), L> {
        let node = self.existing(node_id)?.clone();
        if self.has_children(node_id)? {
            return Err(Refusal::HasChildren(node_id.to_owned()).into());
        }
        for parent_id in self.parents(node_id)?.clone() {
            let link = Link { parent_id, node_id: node_id.to_owned() };
            self.change(Change::NodeUnlinked(link))?;
        }
        self.change(Change::NodeDeleted(node))
    }

    fn link(&mut self, link: Link) -> Outcome<(), L> {
        self.existing(&link.parent_id)?;
        self.existing(&link.node_id)?;
        let parents = self.parents(&link.node_id)?;
        let (is_there, count) = (parents.contains(&link.parent_id), parents.len() as u64);
        let Link { node_id, parent_id } = link.clone();
        if is_there {
            return Err(Refusal::LinkExists { node_id, parent_id }.into());
        }
        within(Limit::Parents, count + 1, limits::NODE_PARENTS_MAX)?;
        if node_id == parent_id || self.is_above(&node_id, &parent_id)? {
            return Err(Refusal::Cycle { node_id, parent_id }.into());
        }
        self.change(Change::NodeLinked(link))
    }

    fn unlink(&mut self, link: Link) -> Outcome<(), L> {
        self.existing(&link.parent_id)?;
        self.existing(&link.node_id)?;
        if !self.parents(&link.node_id)?.contains(&link.parent_id) {
            let Link { node_id, parent_id } = link;
            return Err(Refusal::LinkNotFound { node_id, parent_id }.into());
        }
        self.change(Change::NodeUnlinked(link))
    }

    fn set_property(&mut self, node_id: String, key: String, value: String) -> Outcome<(), L> {
        let node = self.existing(&node_id)?;
        let old = node.properties.get(&key).cloned();
        let new = old.is_none();
        let grown = node.bytes() + value.len() as u64 + if new { key.len() as u64 } else { 0 };
        let bytes = grown - old.as_ref().map_or(0, |old| old.len() as u64);
        within(
            Limit::Properties,
            node.properties.len() as u64 + u64::from(new),
            limits::NODE_PROPERTIES_MAX,
        )?;
        within(Limit::NodeBytes, bytes, limits::NODE_BYTES_MAX)?;
        self.change(Change::PropertyChanged { node_id, key, value, old })
    }

    fn delete_property(&mut self, node_id: String, key: String) -> Outcome<(), L> {
        match self.existing(&node_id)?.properties.get(&key).cloned() {
            Some(old) => self.change(Change::PropertyDeleted { node_id, key, old }),
            None => Err(Refusal::PropertyNotFound { node_id, key }.into()),
        }
    }

    /// Whether `upper` lies above `lower`. The walk goes upwards, where the ways are short.
    fn is_above(&mut self, upper: &str, lower: &str) -> Outcome<bool, L> {
        if !self.has_children(upper)? {
            return Ok(false);
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![lower.to_owned()];
        while let Some(node_id) = open.pop() {
            for parent in self.parents(&node_id)?.clone() {
                if parent == upper {
                    return Ok(true);
                }
                if seen.insert(parent.clone()) {
                    open.push(parent);
                }
            }
            within(Limit::Ancestors, seen.len() as u64, limits::NODE_ANCESTORS_MAX)?;
        }
        Ok(false)
    }

    fn node(&mut self, node_id: &str) -> Outcome<Option<&Node>, L> {
        if !self.nodes.contains_key(node_id) {
            let found = self.look.node(node_id).map_err(Stop::Broken)?;
            self.nodes.insert(node_id.to_owned(), found);
        }
        Ok(self.nodes.get(node_id).and_then(Option::as_ref))
    }

    fn existing(&mut self, node_id: &str) -> Outcome<&Node, L> {
        let found = self.node(node_id)?;
        found.ok_or_else(|| Refusal::NodeNotFound(node_id.to_owned()).into())
    }

    fn parents(&mut self, node_id: &str) -> Outcome<&mut BTreeSet<String>, L> {
        if !self.parents.contains_key(node_id) {
            let found = self.look.parents(node_id).map_err(Stop::Broken)?;
            self.parents.insert(node_id.to_owned(), found);
        }
        Ok(self.parents.entry(node_id.to_owned()).or_default())
    }

    fn has_children(&mut self, node_id: &str) -> Outcome<bool, L> {
        let change = self.below.get(node_id).copied().unwrap_or(0);
        // One more than can have been removed: then one is left.
        let enough = self.changes.len() + 1;
        let before = self.look.children(node_id, enough).map_err(Stop::Broken)?;
        Ok(i64::try_from(before).unwrap_or(i64::MAX).saturating_add(change) > 0)
    }

    /// Folds a change into what was looked at, and notes it.
    fn change(&mut self, change: Change) -> Outcome<(), L> {
        match &change {
            Change::NodeCreated(node) => {
                self.nodes.insert(node.node_id.clone(), Some(node.clone()));
            }
            Change::NodeDeleted(node) => {
                self.nodes.insert(node.node_id.clone(), None);
            }
            Change::NodeLinked(Link { node_id, parent_id }) => {
                self.parents(node_id)?.insert(parent_id.clone());
                *self.below.entry(parent_id.clone()).or_default() += 1;
            }
            Change::NodeUnlinked(Link { node_id, parent_id }) => {
                self.parents(node_id)?.remove(parent_id);
                *self.below.entry(parent_id.clone()).or_default() -= 1;
            }
            Change::PropertyChanged { node_id, key, value, .. } => {
                if let Some(Some(node)) = self.nodes.get_mut(node_id) {
                    node.properties.insert(key.clone(), value.clone());
                }
            }
            Change::PropertyDeleted { node_id, key, .. } => {
                if let Some(Some(node)) = self.nodes.get_mut(node_id) {
                    node.properties.remove(key);
                }
            }
        }
        self.size = self.size.after(&change);
        self.bytes += change.bytes();
        self.changes.push(change);
        within(Limit::Step, self.bytes, limits::STEP_BYTES_MAX)?;
        within(Limit::Bytes, self.elsewhere + self.size.bytes, limits::SESSION_BYTES_MAX)
    }
}

fn within<E>(limit: Limit, value: u64, max: u64) -> Result<(), Stop<E>> {
    if value <= max { Ok(()) } else { Err(Refusal::Full { limit, max }.into()) }
}
