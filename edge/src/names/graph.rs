//! Graphs as browsers and programs see them. Values of properties are JSON texts, and go out byte for
//! byte as they came in.

use std::collections::BTreeMap;

use roomcast_proto::v1;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::job::text;

/// A session's document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Graph<'a> {
    /// Its name in the session.
    #[schema(example = "main")]
    name: &'a str,
    /// Grows by one with every command, undo, redo and load.
    version: u64,
    /// By id.
    nodes: Vec<Node<'a>>,
    /// By node, then parent.
    links: Vec<Link<'a>>,
    /// How many commands can be undone.
    undoable: u32,
    /// How many commands can be redone.
    redoable: u32,
}

/// A graph without its content.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GraphHead<'a> {
    /// Its name in the session.
    #[schema(example = "main")]
    name: &'a str,
    /// Grows by one with every command, undo, redo and load.
    version: u64,
    /// How many nodes it has.
    node_count: u64,
    /// How many commands can be undone.
    undoable: u32,
    /// How many commands can be redone.
    redoable: u32,
}

/// A vertex.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Node<'a> {
    /// Unique in its graph.
    pub(super) node_id: &'a str,
    /// The application's own type.
    pub(super) node_type: &'a str,
    /// For people.
    pub(super) name: &'a str,
    /// The node it was created below. Never changes; the link may go.
    pub(super) parent_id: Option<&'a str>,
    /// Values by key: any JSON.
    #[schema(value_type = Object)]
    pub(super) properties: BTreeMap<&'a str, Option<&'a RawValue>>,
}

/// An edge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link<'a> {
    /// The upper end.
    parent_id: &'a str,
    /// The lower end.
    node_id: &'a str,
}

impl<'a> Graph<'a> {
    /// As the core shows it.
    #[must_use]
    pub fn of(graph: &'a v1::Graph) -> Self {
        Self::part(graph, &graph.nodes, &graph.links)
    }

    /// With some of its content.
    pub(super) fn part(graph: &'a v1::Graph, nodes: &'a [v1::Node], links: &'a [v1::Link]) -> Self {
        Self {
            name: &graph.name,
            version: graph.version,
            nodes: nodes.iter().map(Node::of).collect(),
            links: links.iter().map(Link::of).collect(),
            undoable: graph.undoable,
            redoable: graph.redoable,
        }
    }
}

impl<'a> GraphHead<'a> {
    pub(crate) fn of(graph: &'a v1::Graph) -> Self {
        Self {
            name: &graph.name,
            version: graph.version,
            node_count: graph.node_count,
            undoable: graph.undoable,
            redoable: graph.redoable,
        }
    }
}

impl<'a> Node<'a> {
    pub(super) fn of(node: &'a v1::Node) -> Self {
        Self {
            node_id: &node.node_id,
            node_type: &node.node_type,
            name: &node.name,
            parent_id: text(&node.parent_id),
            properties: node.properties.iter().map(|(key, value)| (&**key, json(value))).collect(),
        }
    }
}

impl<'a> Link<'a> {
    fn of(link: &'a v1::Link) -> Self {
        Self { parent_id: &link.parent_id, node_id: &link.node_id }
    }
}

/// A property's value. The core lets only JSON in.
pub(super) fn json(value: &str) -> Option<&RawValue> {
    serde_json::from_str(value).ok()
}
