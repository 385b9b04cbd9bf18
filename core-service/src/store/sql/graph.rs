//! Graphs: a row for each node and link, so that a command reads and writes only what it touches.

use std::collections::BTreeSet;
use std::{iter, slice};

use serde::Serialize;

use super::{Answer, Failure, Row, Sql, Value, values};
use crate::domain::graph::{Change, Document, Head, Link, Look, Node, Step};
use crate::store::{Error, codec};

/// Rows that one statement writes: as many as there are, by few statements and few kinds of them.
const ROWS: [usize; 3] = [64, 8, 1];

/// A graph's row.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    /// 0 until it is written.
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) body: i64,
    pub(crate) head: Head,
}

/// A session's graphs, by name. There are few.
pub(crate) fn of_session<S: Sql>(sql: &S, topic: i64) -> Answer<Vec<Graph>, S> {
    let found = sql.rows(
        "SELECT id, name, body, head FROM graph WHERE topic = ?1 ORDER BY name",
        values![topic],
    )?;
    let graph = |row: &Row| {
        let (id, name, body) = (row.number(0)?, row.text(1)?, row.number(2)?);
        Ok(Graph { id, name, body, head: row.doc(3)? })
    };
    Ok(found.iter().map(graph).collect::<Result<_, Error>>()?)
}

/// Writes a graph's row. A new graph gets its number, and begins its own body unless it has one.
pub(crate) fn put<S: Sql>(sql: &S, topic: i64, graph: &mut Graph) -> Answer<(), S> {
    let head = json(&graph.head).map_err(Failure::Broken)?;
    if graph.id == 0 {
        let new = sql.row(
            "INSERT INTO graph(topic, name, body, head) VALUES(?1, ?2, ?3, ?4) RETURNING id",
            values![topic, &graph.name, graph.body, &head],
        )?;
        let unnumbered = || Failure::Broken(Error::Damaged("a new graph has no number".into()));
        graph.id = new.ok_or_else(unnumbered)?.number(0)?;
        if graph.body != 0 {
            return Ok(());
        }
        graph.body = graph.id;
    }
    sql.execute(
        "UPDATE graph SET body = ?2, head = ?3 WHERE id = ?1",
        values![graph.id, graph.body, &head],
    )?;
    Ok(())
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Damaged(error.to_string()))
}

/// A step of a graph's history.
pub(crate) fn step<S: Sql>(sql: &S, graph: i64, number: u64) -> Answer<Step, S> {
    let found = sql.row(
        "SELECT doc FROM graph_step WHERE graph = ?1 AND number = ?2",
        values![graph, number],
    )?;
    let missing = || Error::Damaged(format!("step {number} of graph {graph} is missing"));
    Ok(found.ok_or_else(missing)?.doc(0)?)
}

pub(crate) fn keep<S: Sql>(sql: &S, graph: i64, number: u64, step: &Step) -> Answer<(), S> {
    let doc = codec::to_json(step).map_err(Failure::Broken)?;
    sql.execute(
        "INSERT INTO graph_step VALUES(?1, ?2, ?3)
         ON CONFLICT(graph, number) DO UPDATE SET doc = excluded.doc",
        values![graph, number, &doc],
    )?;
    Ok(())
}

pub(crate) fn forget<S: Sql>(sql: &S, graph: i64, number: u64) -> Answer<(), S> {
    sql.execute("DELETE FROM graph_step WHERE graph = ?1 AND number = ?2", values![graph, number])?;
    Ok(())
}

/// Looks into a body.
#[derive(Debug)]
pub(crate) struct Body<'sql, S> {
    pub(crate) sql: &'sql S,
    pub(crate) body: i64,
}

impl<S: Sql> Look for Body<'_, S> {
    type Error = Failure<S::Error>;

    fn node(&self, node_id: &str) -> Answer<Option<Node>, S> {
        let found = self.sql.row(
            "SELECT doc FROM graph_node WHERE body = ?1 AND node_id = ?2",
            values![self.body, node_id],
        )?;
        Ok(found.map(|row| row.doc(0)).transpose()?)
    }

    fn parents(&self, node_id: &str) -> Answer<BTreeSet<String>, S> {
        let found = self.sql.rows(
            "SELECT parent_id FROM graph_link WHERE body = ?1 AND node_id = ?2",
            values![self.body, node_id],
        )?;
        Ok(found.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?)
    }

    fn children(&self, node_id: &str, max: usize) -> Answer<usize, S> {
        let count = self.sql.number(
            "SELECT count(*) FROM
             (SELECT 1 FROM graph_link WHERE body = ?1 AND parent_id = ?2 LIMIT ?3) child",
            values![self.body, node_id, max],
        )?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

impl<S: Sql> Body<'_, S> {
    /// Writes a change.
    pub(crate) fn apply(&self, change: &Change) -> Answer<(), S> {
        match change {
            Change::NodeCreated(node) => self.put_node(node)?,
            Change::NodeDeleted(node) => {
                self.sql.execute(
                    "DELETE FROM graph_node WHERE body = ?1 AND node_id = ?2",
                    values![self.body, &node.node_id],
                )?;
            }
            Change::NodeLinked(link) => self.put_links(slice::from_ref(link))?,
            Change::NodeUnlinked(link) => {
                self.sql.execute(
                    "DELETE FROM graph_link WHERE body = ?1 AND node_id = ?2 AND parent_id = ?3",
                    values![self.body, &link.node_id, &link.parent_id],
                )?;
            }
            Change::PropertyChanged { node_id, .. } | Change::PropertyDeleted { node_id, .. } => {
                let missing = || Error::Damaged(format!("node {node_id} is missing"));
                let node = self.node(node_id)?.ok_or_else(missing).map_err(Failure::Broken)?;
                let mut one = Document::default();
                one.nodes.insert(node_id.clone(), node);
                one.apply(change);
                one.nodes.values().try_for_each(|node| self.put_node(node))?;
            }
        }
        Ok(())
    }

    fn put_node(&self, node: &Node) -> Answer<(), S> {
        self.put_nodes(slice::from_ref(node))
    }

    /// Writes nodes, each once.
    pub(crate) fn put_nodes(&self, nodes: &[Node]) -> Answer<(), S> {
        let docs: Result<Vec<_>, _> = nodes.iter().map(codec::to_json).collect();
        let docs = docs.map_err(Failure::Broken)?;
        let rows = nodes.iter().zip(&docs);
        let rows: Vec<_> = rows.map(|(node, doc)| [(&node.node_id).into(), doc.into()]).collect();
        let or_replace = "ON CONFLICT(body, node_id) DO UPDATE SET doc = excluded.doc";
        self.insert("graph_node", &rows, or_replace)
    }

    /// Writes links.
    pub(crate) fn put_links(&self, links: &[Link]) -> Answer<(), S> {
        let rows = links.iter().map(|link| [(&link.node_id).into(), (&link.parent_id).into()]);
        let rows: Vec<_> = rows.collect();
        self.insert("graph_link", &rows, "ON CONFLICT DO NOTHING")
    }

    fn insert(&self, table: &str, rows: &[[Value<'_>; 2]], on_conflict: &str) -> Answer<(), S> {
        let mut rest = rows;
        for count in ROWS {
            while let Some((piece, more)) = rest.split_at_checked(count) {
                let places = (1..=count).map(|n| format!("(?1, ?{}, ?{})", 2 * n, 2 * n + 1));
                let places = places.collect::<Vec<_>>().join(", ");
                let wanted: Vec<Value<'_>> =
                    iter::once(self.body.into()).chain(piece.iter().flatten().copied()).collect();
                let insert = format!("INSERT INTO {table} VALUES {places} {on_conflict}");
                self.sql.execute(&insert, &wanted)?;
                rest = more;
            }
        }
        Ok(())
    }

    /// All of it.
    pub(crate) fn document(&self) -> Answer<Document, S> {
        let mut document = Document::default();
        let nodes = self.sql.rows(
            "SELECT doc FROM graph_node WHERE body = ?1 ORDER BY node_id",
            values![self.body],
        )?;
        for row in nodes {
            let node: Node = row.doc(0)?;
            document.nodes.insert(node.node_id.clone(), node);
        }
        let links = self.sql.rows(
            "SELECT node_id, parent_id FROM graph_link WHERE body = ?1 ORDER BY node_id, parent_id",
            values![self.body],
        )?;
        for row in links {
            document.links.insert(Link { node_id: row.text(0)?, parent_id: row.text(1)? });
        }
        Ok(document)
    }
}
