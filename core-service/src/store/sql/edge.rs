//! Edges: which core speaks for each, how long it lives without a word, and who is connected to it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Answer, Row, Sql, Value, json, values};
use crate::domain::time::Time;
use crate::store::Error;
use crate::store::edge::{Held, PartOfEdge, Place};

pub(crate) fn get<S: Sql>(sql: &S, edge_id: &str) -> Answer<Option<Held>, S> {
    let found = "SELECT core_id, number, expires_at FROM edge WHERE edge_id = ?1";
    let Some(row) = sql.row(found, values![edge_id])? else { return Ok(None) };
    let expires_at = Time(row.unsigned(2)?);
    Ok(Some(Held { core_id: row.text(0)?, number: row.unsigned(1)?, expires_at }))
}

pub(crate) fn put<S: Sql>(sql: &S, edge_id: &str, held: &Held) -> Answer<(), S> {
    sql.execute(
        "INSERT INTO edge VALUES(?1, ?2, ?3, ?4) ON CONFLICT(edge_id) DO UPDATE SET
         core_id = excluded.core_id, number = excluded.number, expires_at = excluded.expires_at",
        values![edge_id, held.core_id.as_str(), held.number, held.expires_at],
    )?;
    Ok(())
}

pub(crate) fn forget<S: Sql>(sql: &S, edge_id: &str) -> Answer<(), S> {
    sql.execute("DELETE FROM edge WHERE edge_id = ?1", values![edge_id])?;
    Ok(())
}

/// Those of some edges that a core speaks for.
pub(crate) fn held_by<S: Sql>(
    sql: &S,
    core_id: &str,
    edges: &BTreeSet<String>,
) -> Answer<BTreeSet<String>, S> {
    let edges = json(edges.iter().map(|edge_id| (edge_id,)))?;
    let found = sql.rows(
        &format!(
            "SELECT edge_id FROM edge
             WHERE core_id = ?2 AND edge_id IN (SELECT w.value ->> 0 FROM {} w)",
            S::EACH
        ),
        values![&edges, core_id],
    )?;
    Ok(found.iter().map(|row| row.text(0)).collect::<Result<_, Error>>()?)
}

/// Writes parts of who is connected; an empty one goes.
pub(crate) fn put_parts<S: Sql>(sql: &S, edge_id: &str, parts: &[(u32, Bytes)]) -> Answer<(), S> {
    // A part that is told twice is as it was told last.
    let parts: BTreeMap<u32, &Bytes> = parts.iter().map(|(part, doc)| (*part, doc)).collect();
    let (gone, told): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(_, doc)| doc.is_empty());
    if !gone.is_empty() {
        let gone = json(gone.into_iter().map(|(part, _)| (part,)))?;
        sql.execute(
            &format!(
                "DELETE FROM edge_part WHERE edge_id = ?2
                 AND part IN (SELECT CAST(w.value ->> 0 AS BIGINT) FROM {} w)",
                S::EACH
            ),
            values![&gone, edge_id],
        )?;
    }
    if !told.is_empty() {
        // No more statements than one call may have parts.
        let rows = (0..told.len()).map(|n| format!("(?1, ?{}, ?{})", 2 * n + 2, 2 * n + 3));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let of_part = told.into_iter().flat_map(|(part, doc)| [part.into(), (&doc[..]).into()]);
        let wanted: Vec<Value<'_>> = std::iter::once(edge_id.into()).chain(of_part).collect();
        sql.execute(
            &format!(
                "INSERT INTO edge_part VALUES {rows}
                 ON CONFLICT(edge_id, part) DO UPDATE SET doc = excluded.doc"
            ),
            &wanted,
        )?;
    }
    Ok(())
}

pub(crate) fn clear_parts<S: Sql>(sql: &S, edge_id: &str) -> Answer<(), S> {
    sql.execute("DELETE FROM edge_part WHERE edge_id = ?1", values![edge_id])?;
    Ok(())
}

/// Edges that have not been heard of for too long, the longest silent first; and then such as only a
/// core of the version before has heard of, which notes no edges.
pub(crate) fn silent<S: Sql>(sql: &S, now: Time, limit: usize) -> Answer<Vec<String>, S> {
    let mut found = sql.rows(
        "SELECT edge_id FROM edge WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        values![now, limit],
    )?;
    // From edge to edge through the index: however many users they have.
    found.extend(sql.rows(
        "WITH RECURSIVE attended(edge_id) AS (
           SELECT min(edge_id) FROM participant
           UNION ALL
           SELECT (SELECT min(p.edge_id) FROM participant p WHERE p.edge_id > a.edge_id)
           FROM attended a WHERE a.edge_id IS NOT NULL)
         SELECT edge_id FROM attended a WHERE edge_id IS NOT NULL
         AND NOT EXISTS(SELECT 1 FROM edge e WHERE e.edge_id = a.edge_id) LIMIT ?1",
        values![limit.saturating_sub(found.len())],
    )?);
    Ok(found.iter().map(|row| row.text(0)).collect::<Result<_, Error>>()?)
}

/// Whether somebody is in a session or room through an edge.
pub(crate) fn is_attended<S: Sql>(sql: &S, edge_id: &str) -> Answer<bool, S> {
    let found = "SELECT edge_id FROM participant WHERE edge_id = ?1 LIMIT 1";
    Ok(sql.row(found, values![edge_id])?.is_some())
}

/// Who is connected to the edges that live, in the order of edges and parts.
pub(crate) fn parts<S: Sql>(
    sql: &S,
    after: &Place,
    now: Time,
    limit: usize,
) -> Answer<Vec<PartOfEdge>, S> {
    let found = sql.rows(
        "SELECT p.edge_id, p.part, p.doc FROM edge_part p JOIN edge e ON e.edge_id = p.edge_id
         WHERE e.expires_at > ?1 AND (p.edge_id, p.part) > (?2, ?3)
         ORDER BY p.edge_id, p.part LIMIT ?4",
        values![now, after.edge_id.as_str(), after.part, limit],
    )?;
    let part = |row: &Row| {
        let place = Place { edge_id: row.text(0)?, part: row.unsigned(1)? };
        Ok(PartOfEdge { place, doc: row.bytes(2)? })
    };
    Ok(found.iter().map(part).collect::<Result<_, Error>>()?)
}
