//! Copies of graphs: bodies that are put down part by part, so that no commit is long, and that a save
//! or a load then names. A body that nothing names is loose, and the cleaner takes it.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::graph::{Body, json};
use super::row::{self, signed};
use crate::domain::limits::SAVE_VERSIONS_MAX;
use crate::domain::session::Copied;
use crate::domain::time::Time;
use crate::store::session::{COPY_KEPT, Part, Refusal, Save};

/// A body's number in the store.
pub(super) fn number(body: u64) -> i64 {
    signed(body)
}

pub(super) fn put_part(connection: &Connection, part: &Part, now: Time) -> Result<(), Failure> {
    let body = number(part.body);
    connection
        .prepare_cached("INSERT OR IGNORE INTO graph_loose VALUES(?1, ?2)")?
        .execute(params![body, signed((now + COPY_KEPT).0)])?;
    let body = Body { connection, body };
    part.nodes.iter().try_for_each(|node| body.put_node(node))?;
    part.links.iter().try_for_each(|link| body.put_link(link))
}

/// Requires that a copy is still there.
pub(super) fn take(connection: &Connection, body: u64) -> Result<(), Failure> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT body FROM graph_loose WHERE body = ?1")?
        .query_row([number(body)], |found| found.get(0))
        .optional()?;
    found.map(|_| ()).ok_or_else(|| Refusal::CopyLost.into())
}

/// A copy gets a name.
pub(super) fn bind(connection: &Connection, body: u64) -> Result<(), Failure> {
    connection
        .prepare_cached("DELETE FROM graph_loose WHERE body = ?1")?
        .execute([number(body)])?;
    Ok(())
}

/// A body loses its name.
pub(super) fn loosen(connection: &Connection, body: i64, now: Time) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO graph_loose VALUES(?1, ?2)")?
        .execute(params![body, signed(now.0)])?;
    Ok(())
}

/// The version that the next save of a name gets, and how many names there are.
pub(super) fn next_save(
    connection: &Connection,
    topic: i64,
    name: &str,
) -> Result<(u64, u64), Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT coalesce(max(version) FILTER (WHERE name = ?2), 0) + 1, count(DISTINCT name)
         FROM graph_save WHERE topic = ?1",
    )?;
    let found = statement.query_row(params![topic, name], |found| {
        Ok((row::unsigned(found, 0)?, row::unsigned(found, 1)?))
    });
    Ok(found?)
}

/// Names a copy as a save; the oldest version goes when there are too many.
pub(super) fn save(
    connection: &Connection,
    topic: i64,
    copied: &Copied,
    version: u64,
    now: Time,
) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT INTO graph_save VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            topic,
            copied.name,
            signed(version),
            copied.graph,
            number(copied.body),
            json(&copied.head)?,
            signed(now.0),
            copied.by,
        ])?;
    let Some(old) = version.checked_sub(SAVE_VERSIONS_MAX).filter(|old| *old > 0) else {
        return Ok(());
    };
    let body: Option<i64> = connection
        .prepare_cached(
            "DELETE FROM graph_save WHERE topic = ?1 AND name = ?2 AND version = ?3
             RETURNING body",
        )?
        .query_row(params![topic, copied.name, signed(old)], |found| found.get(0))
        .optional()?;
    body.map_or(Ok(()), |body| loosen(connection, body, now))
}

/// A save of this version, or the newest, and its body.
pub(super) fn find(
    connection: &Connection,
    topic: i64,
    name: &str,
    version: Option<u64>,
) -> Result<Option<(Save, i64)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT name, version, graph, head, saved_at, saved_by, body FROM graph_save
         WHERE topic = ?1 AND name = ?2 AND (?3 IS NULL OR version = ?3)
         ORDER BY version DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![topic, name, version.map(signed)])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    Ok(Some((read(found)?, found.get(6)?)))
}

/// A session's saves, newest first.
pub(super) fn list(connection: &Connection, topic: i64) -> Result<Vec<Save>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT name, version, graph, head, saved_at, saved_by FROM graph_save WHERE topic = ?1
         ORDER BY saved_at DESC, name, version DESC",
    )?;
    let mut rows = statement.query([topic])?;
    let mut saves = Vec::new();
    while let Some(found) = rows.next()? {
        saves.push(read(found)?);
    }
    Ok(saves)
}

fn read(found: &rusqlite::Row<'_>) -> Result<Save, Failure> {
    let head: String = found.get(3)?;
    Ok(Save {
        name: found.get(0)?,
        version: row::unsigned(found, 1)?,
        graph: found.get(2)?,
        head: crate::store::codec::from_json(head.as_bytes())?,
        saved_at: Time(row::unsigned(found, 4)?),
        saved_by: found.get(5)?,
    })
}

/// Deletes rows of bodies that are loose for long enough: how many went.
pub(super) fn clean(connection: &Connection, now: Time, limit: i64) -> Result<usize, Failure> {
    let body: Option<i64> = connection
        .prepare_cached(
            "SELECT body FROM graph_loose WHERE goes_at <= ?1 ORDER BY goes_at LIMIT 1",
        )?
        .query_row([signed(now.0)], |found| found.get(0))
        .optional()?;
    let Some(body) = body else { return Ok(0) };
    for sql in [
        "DELETE FROM graph_node WHERE (body, node_id) IN
         (SELECT body, node_id FROM graph_node WHERE body = ?1 LIMIT ?2)",
        "DELETE FROM graph_link WHERE (body, node_id, parent_id) IN
         (SELECT body, node_id, parent_id FROM graph_link WHERE body = ?1 LIMIT ?2)",
    ] {
        let gone = connection.prepare_cached(sql)?.execute(params![body, limit])?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    Ok(connection.prepare_cached("DELETE FROM graph_loose WHERE body = ?1")?.execute([body])?)
}

/// Deletes what a session leaves, a little at a time: how many rows went. Its bodies become loose.
pub(super) fn purge(
    connection: &Connection,
    topic: i64,
    now: Time,
    limit: i64,
) -> Result<usize, Failure> {
    let gone = super::presence::clear(connection, topic, limit)?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = connection
        .prepare_cached(
            "DELETE FROM graph_step WHERE (graph, number) IN (SELECT graph, number FROM graph_step
             WHERE graph IN (SELECT id FROM graph WHERE topic = ?1) LIMIT ?2)",
        )?
        .execute(params![topic, limit])?;
    if gone > 0 {
        return Ok(gone);
    }
    for table in ["graph", "graph_save"] {
        let loosen = format!(
            "INSERT OR REPLACE INTO graph_loose SELECT body, ?2 FROM {table} WHERE topic = ?1"
        );
        connection.prepare_cached(&loosen)?.execute(params![topic, signed(now.0)])?;
        let delete = format!("DELETE FROM {table} WHERE topic = ?1");
        connection.prepare_cached(&delete)?.execute([topic])?;
    }
    Ok(connection.prepare_cached("DELETE FROM session WHERE topic = ?1")?.execute([topic])?)
}
