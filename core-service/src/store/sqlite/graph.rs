//! Graphs: a row for each node and link, so that a command reads and writes only what it touches.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;

use super::failure::Failure;
use super::row::{self, signed};
use crate::domain::graph::{Change, Document, Head, Link, Look, Node, Step};
use crate::store::{Error, codec};

/// A graph's row.
#[derive(Debug, Clone)]
pub(super) struct Graph {
    /// 0 until it is written.
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) body: i64,
    pub(super) head: Head,
}

/// A session's graphs, by name. There are few.
pub(super) fn of_session(connection: &Connection, topic: i64) -> Result<Vec<Graph>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT id, name, body, head FROM graph WHERE topic = ?1 ORDER BY name")?;
    let mut rows = statement.query([topic])?;
    let mut graphs = Vec::new();
    while let Some(found) = rows.next()? {
        let head: String = found.get(3)?;
        let head = codec::from_json(head.as_bytes())?;
        graphs.push(Graph { id: found.get(0)?, name: found.get(1)?, body: found.get(2)?, head });
    }
    Ok(graphs)
}

/// Writes a graph's row. A new graph gets its number, and begins its own body unless it has one.
pub(super) fn put(connection: &Connection, topic: i64, graph: &mut Graph) -> Result<(), Failure> {
    let head = json(&graph.head)?;
    if graph.id == 0 {
        graph.id = connection
            .prepare_cached("INSERT INTO graph(topic, name, body, head) VALUES(?1, ?2, ?3, ?4)")?
            .insert(params![topic, graph.name, graph.body, head])?;
        if graph.body != 0 {
            return Ok(());
        }
        graph.body = graph.id;
    }
    connection
        .prepare_cached("UPDATE graph SET body = ?2, head = ?3 WHERE id = ?1")?
        .execute(params![graph.id, graph.body, head])?;
    Ok(())
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::Broken(Error::Damaged(error.to_string()));
    serde_json::to_string(value).map_err(failed)
}

/// A step of a graph's history.
pub(super) fn step(connection: &Connection, graph: i64, number: u64) -> Result<Step, Failure> {
    let found: Option<Vec<u8>> = connection
        .prepare_cached("SELECT doc FROM graph_step WHERE graph = ?1 AND number = ?2")?
        .query_row(params![graph, signed(number)], |found| found.get(0))
        .optional()?;
    let missing = || Error::Damaged(format!("step {number} of graph {graph} is missing"));
    Ok(codec::from_json(&found.ok_or_else(missing)?)?)
}

pub(super) fn keep(
    connection: &Connection,
    graph: i64,
    number: u64,
    step: &Step,
) -> Result<(), Failure> {
    let doc = codec::to_json(step).map_err(Failure::Broken)?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO graph_step VALUES(?1, ?2, ?3)")?
        .execute(params![graph, signed(number), doc])?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, graph: i64, number: u64) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM graph_step WHERE graph = ?1 AND number = ?2")?
        .execute(params![graph, signed(number)])?;
    Ok(())
}

/// Looks into a body.
#[derive(Debug)]
pub(super) struct Body<'connection> {
    pub(super) connection: &'connection Connection,
    pub(super) body: i64,
}

impl Look for Body<'_> {
    type Error = Failure;

    fn node(&self, node_id: &str) -> Result<Option<Node>, Failure> {
        let found: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT doc FROM graph_node WHERE body = ?1 AND node_id = ?2")?
            .query_row(params![self.body, node_id], |found| found.get(0))
            .optional()?;
        Ok(found.map(|doc| codec::from_json(&doc)).transpose()?)
    }

    fn parents(&self, node_id: &str) -> Result<BTreeSet<String>, Failure> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT parent_id FROM graph_link WHERE body = ?1 AND node_id = ?2")?;
        let rows = statement.query_map(params![self.body, node_id], |found| found.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn children(&self, node_id: &str, max: usize) -> Result<usize, Failure> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM
             (SELECT 1 FROM graph_link WHERE body = ?1 AND parent_id = ?2 LIMIT ?3)",
        )?;
        let wanted = params![self.body, node_id, signed(max as u64)];
        let count = statement.query_row(wanted, |found| row::unsigned(found, 0))?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

impl Body<'_> {
    /// Writes a change.
    pub(super) fn apply(&self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::NodeCreated(node) => self.put_node(node),
            Change::NodeDeleted(node) => {
                self.connection
                    .prepare_cached("DELETE FROM graph_node WHERE body = ?1 AND node_id = ?2")?
                    .execute(params![self.body, node.node_id])?;
                Ok(())
            }
            Change::NodeLinked(link) => self.put_link(link),
            Change::NodeUnlinked(link) => {
                self.connection
                    .prepare_cached(
                        "DELETE FROM graph_link
                         WHERE body = ?1 AND node_id = ?2 AND parent_id = ?3",
                    )?
                    .execute(params![self.body, link.node_id, link.parent_id])?;
                Ok(())
            }
            Change::PropertyChanged { node_id, .. } | Change::PropertyDeleted { node_id, .. } => {
                let missing = || Error::Damaged(format!("node {node_id} is missing"));
                let node = self.node(node_id)?.ok_or_else(missing).map_err(Failure::Broken)?;
                let mut one = Document::default();
                one.nodes.insert(node_id.clone(), node);
                one.apply(change);
                one.nodes.values().try_for_each(|node| self.put_node(node))
            }
        }
    }

    pub(super) fn put_node(&self, node: &Node) -> Result<(), Failure> {
        let doc = codec::to_json(node).map_err(Failure::Broken)?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO graph_node VALUES(?1, ?2, ?3)")?
            .execute(params![self.body, node.node_id, doc])?;
        Ok(())
    }

    pub(super) fn put_link(&self, link: &Link) -> Result<(), Failure> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO graph_link VALUES(?1, ?2, ?3)")?
            .execute(params![self.body, link.node_id, link.parent_id])?;
        Ok(())
    }

    /// All of it.
    pub(super) fn document(&self) -> Result<Document, Failure> {
        let mut document = Document::default();
        let mut nodes = self
            .connection
            .prepare_cached("SELECT doc FROM graph_node WHERE body = ?1 ORDER BY node_id")?;
        let mut rows = nodes.query([self.body])?;
        while let Some(found) = rows.next()? {
            let doc = found.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let node: Node = codec::from_json(doc)?;
            document.nodes.insert(node.node_id.clone(), node);
        }
        let mut links = self.connection.prepare_cached(
            "SELECT node_id, parent_id FROM graph_link WHERE body = ?1 ORDER BY node_id, parent_id",
        )?;
        let mut rows = links.query([self.body])?;
        while let Some(found) = rows.next()? {
            document.links.insert(Link { node_id: found.get(0)?, parent_id: found.get(1)? });
        }
        Ok(document)
    }
}
