//! Copies of graphs: bodies that are put down part by part, so that no commit is long, and that a save
//! or a load then names. A body that nothing names is loose, and the cleaner takes it.

use super::graph::{Body, json};
use super::session;
use super::{Answer, Failure, Row, Sql, signed, values};
use crate::domain::limits::SAVE_VERSIONS_MAX;
use crate::domain::session::Copied;
use crate::domain::time::Time;
use crate::store::Error;
use crate::store::session::{COPY_KEPT, Part, Refusal, Save};

/// A body's number in the store.
pub(crate) fn number(body: u64) -> i64 {
    signed(body)
}

pub(crate) fn put_part<S: Sql>(sql: &S, part: &Part, now: Time) -> Answer<(), S> {
    let body = number(part.body);
    if part.is_first {
        sql.execute(
            "INSERT INTO graph_loose VALUES(?1, ?2) ON CONFLICT DO NOTHING",
            values![body, now + COPY_KEPT],
        )?;
    }
    // Its row is held, so that no cleaner deletes it before what is put is there.
    let held = "UPDATE graph_loose SET goes_at = goes_at WHERE body = ?1 AND goes_at > ?2";
    if sql.execute(held, values![body, now])? == 0 {
        return Err(Refusal::CopyLost.into());
    }
    let body = Body { sql, body };
    body.put_nodes(&part.nodes)?;
    body.put_links(&part.links)
}

/// A copy gets a name, if it is still there.
pub(crate) fn bind<S: Sql>(sql: &S, body: u64, now: Time) -> Answer<(), S> {
    let bound = sql.execute(
        "DELETE FROM graph_loose WHERE body = ?1 AND goes_at > ?2",
        values![number(body), now],
    )?;
    if bound == 0 {
        return Err(Refusal::CopyLost.into());
    }
    Ok(())
}

/// A body loses its name.
pub(crate) fn loosen<S: Sql>(sql: &S, body: i64, now: Time) -> Answer<(), S> {
    sql.execute(
        "INSERT INTO graph_loose VALUES(?1, ?2)
         ON CONFLICT(body) DO UPDATE SET goes_at = excluded.goes_at",
        values![body, now],
    )?;
    Ok(())
}

/// The version that the next save of a name gets, and how many names there are.
pub(crate) fn next_save<S: Sql>(sql: &S, topic: i64, name: &str) -> Answer<(u64, u64), S> {
    let found = sql.row(
        "SELECT coalesce(max(version) FILTER (WHERE name = ?2), 0) + 1, count(DISTINCT name)
         FROM graph_save WHERE topic = ?1",
        values![topic, name],
    )?;
    let found = found.ok_or_else(|| Error::Damaged("a count is missing".into()))?;
    Ok((found.unsigned(0)?, found.unsigned(1)?))
}

/// Names a copy as a save; the oldest version goes when there are too many.
pub(crate) fn save<S: Sql>(
    sql: &S,
    topic: i64,
    copied: &Copied,
    version: u64,
    now: Time,
) -> Answer<(), S> {
    let head = json(&copied.head).map_err(Failure::Broken)?;
    sql.execute(
        "INSERT INTO graph_save VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            topic,
            &copied.name,
            version,
            &copied.graph,
            number(copied.body),
            &head,
            now,
            &copied.by,
        ],
    )?;
    let Some(old) = version.checked_sub(SAVE_VERSIONS_MAX).filter(|old| *old > 0) else {
        return Ok(());
    };
    let gone = sql.row(
        "DELETE FROM graph_save WHERE topic = ?1 AND name = ?2 AND version = ?3 RETURNING body",
        values![topic, &copied.name, old],
    )?;
    gone.map_or(Ok(()), |row| loosen(sql, row.number(0)?, now))
}

/// A save of this version, or the newest, and its body.
pub(crate) fn find<S: Sql>(
    sql: &S,
    topic: i64,
    name: &str,
    version: Option<u64>,
) -> Answer<Option<(Save, i64)>, S> {
    let found = sql.row(
        "SELECT name, version, graph, head, saved_at, saved_by, body FROM graph_save
         WHERE topic = ?1 AND name = ?2 AND (CAST(?3 AS BIGINT) IS NULL OR version = ?3)
         ORDER BY version DESC LIMIT 1",
        values![topic, name, version],
    )?;
    Ok(found.map(|row| Ok::<_, Error>((read(&row)?, row.number(6)?))).transpose()?)
}

/// A session's saves, newest first.
pub(crate) fn list<S: Sql>(sql: &S, topic: i64) -> Answer<Vec<Save>, S> {
    let found = sql.rows(
        "SELECT name, version, graph, head, saved_at, saved_by FROM graph_save WHERE topic = ?1
         ORDER BY saved_at DESC, name, version DESC",
        values![topic],
    )?;
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

fn read(row: &Row) -> Result<Save, Error> {
    Ok(Save {
        name: row.text(0)?,
        version: row.unsigned(1)?,
        graph: row.text(2)?,
        head: row.doc(3)?,
        saved_at: Time(row.unsigned(4)?),
        saved_by: row.text(5)?,
    })
}

/// Deletes rows of bodies that are loose for long enough: how many went.
pub(crate) fn clean<S: Sql>(sql: &S, now: Time, limit: usize) -> Answer<u64, S> {
    let found = sql.row(
        "SELECT body FROM graph_loose WHERE goes_at <= ?1 ORDER BY goes_at LIMIT 1",
        values![now],
    )?;
    let Some(found) = found else { return Ok(0) };
    let body = found.number(0)?;
    // From here on no save or load can name it, whoever asks at the same time.
    let begun = sql.execute(
        "UPDATE graph_loose SET goes_at = 0 WHERE body = ?1 AND goes_at <= ?2",
        values![body, now],
    )?;
    if begun == 0 {
        return Ok(0);
    }
    for delete in [
        "DELETE FROM graph_node WHERE (body, node_id) IN
         (SELECT body, node_id FROM graph_node WHERE body = ?1 LIMIT ?2)",
        "DELETE FROM graph_link WHERE (body, node_id, parent_id) IN
         (SELECT body, node_id, parent_id FROM graph_link WHERE body = ?1 LIMIT ?2)",
    ] {
        let gone = sql.execute(delete, values![body, limit])?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    sql.execute("DELETE FROM graph_loose WHERE body = ?1", values![body])
}

/// Deletes what a session leaves, a little at a time: how many rows went. Its bodies become loose.
pub(crate) fn purge<S: Sql>(sql: &S, topic: i64, now: Time, limit: usize) -> Answer<u64, S> {
    let gone = super::presence::clear(sql, topic, limit)?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = sql.execute(
        "DELETE FROM graph_step WHERE (graph, number) IN (SELECT graph, number FROM graph_step
         WHERE graph IN (SELECT id FROM graph WHERE topic = ?1) LIMIT ?2)",
        values![topic, limit],
    )?;
    if gone > 0 {
        return Ok(gone);
    }
    for table in ["graph", "graph_save"] {
        let named = format!("SELECT body FROM {table} WHERE topic = ?1");
        for row in sql.rows(&named, values![topic])? {
            loosen(sql, row.number(0)?, now)?;
        }
        sql.execute(&format!("DELETE FROM {table} WHERE topic = ?1"), values![topic])?;
    }
    session::delete(sql, topic)
}
