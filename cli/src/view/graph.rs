//! Graphs, what commands change in them, and their saves.

use std::fmt;

use anyhow::anyhow;
use roomcast_edge::names::{self, Performed, rfc3339};
use roomcast_proto::v1::{GetGraphResponse, Graph, Save};
use serde::Serialize;

use crate::failure::Failure;

/// A graph with its content.
#[derive(Debug, Serialize)]
pub(crate) struct GraphView<'a> {
    #[serde(flatten)]
    shown: names::Graph<'a>,
    /// None of a save.
    #[serde(skip_serializing_if = "str::is_empty")]
    cursor: &'a str,
    #[serde(skip)]
    graph: &'a Graph,
}

/// What a command, an undo or a redo came to.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct PerformedView<'a>(Performed<'a>);

/// A save that was made or loaded.
#[derive(Debug, Serialize)]
pub(crate) struct KeptView<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: u64,
    pub(crate) graph_version: u64,
    pub(crate) cursor: &'a str,
}

/// A save as a line of a list.
#[derive(Debug, Serialize)]
pub(crate) struct SaveLine<'a> {
    name: &'a str,
    version: u64,
    graph: &'a str,
    graph_version: u64,
    node_count: u64,
    user_id: &'a str,
    created_at: Option<String>,
}

impl<'a> GraphView<'a> {
    pub(crate) fn of(answer: &'a GetGraphResponse) -> Result<Self, Failure> {
        let missing = || anyhow!("the core's answer names no graph");
        let graph = answer.graph.as_ref().ok_or_else(missing)?;
        Ok(Self { shown: names::Graph::of(graph), cursor: &answer.cursor, graph })
    }
}

impl fmt::Display for GraphView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Graph { name, version, undoable, redoable, .. } = self.graph;
        write!(
            formatter,
            "graph {name} at version {version}, {undoable} to undo, {redoable} to redo"
        )?;
        for node in &self.graph.nodes {
            write!(formatter, "\n{}  {}  {}", node.node_id, node.node_type, node.name)?;
            for (key, value) in &node.properties {
                write!(formatter, "\n  {key} = {value}")?;
            }
        }
        for link in &self.graph.links {
            write!(formatter, "\n{} -> {}", link.parent_id, link.node_id)?;
        }
        Ok(())
    }
}

impl<'a> PerformedView<'a> {
    pub(crate) fn of(answer: impl Into<Performed<'a>>) -> Self {
        Self(answer.into())
    }
}

impl fmt::Display for PerformedView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "version {}, changes: {}", self.0.version(), self.0.count())
    }
}

impl fmt::Display for KeptView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, graph_version, .. } = self;
        write!(formatter, "{name} {version}, the graph at version {graph_version}")
    }
}

impl<'a> SaveLine<'a> {
    pub(crate) fn of(save: &'a Save) -> Self {
        Self {
            name: &save.name,
            version: save.version,
            graph: &save.graph,
            graph_version: save.graph_version,
            node_count: save.node_count,
            user_id: &save.user_id,
            created_at: save.create_time.as_ref().map(rfc3339),
        }
    }

    /// The line above the lines.
    pub(crate) fn heading() -> String {
        line("SAVE", "VERSION", "GRAPH", "NODES", "CREATED", "BY")
    }
}

impl fmt::Display for SaveLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, nodes) = (self.version.to_string(), self.node_count.to_string());
        let created = self.created_at.as_deref().unwrap_or("-");
        formatter.write_str(&line(self.name, &version, self.graph, &nodes, created, self.user_id))
    }
}

fn line(name: &str, version: &str, graph: &str, nodes: &str, created: &str, by: &str) -> String {
    let line = format!("{name:<24}  {version:>7}  {graph:<16}  {nodes:>6}  {created:<24}  {by}");
    line.trim_end().to_owned()
}
