//! Edges: which core speaks for each, how long it lives without a word, and who is connected to it.

use super::{Answer, Row, Sql, values};
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

/// Writes a part of who is connected; an empty one goes.
pub(crate) fn put_part<S: Sql>(sql: &S, edge_id: &str, part: u32, doc: &[u8]) -> Answer<(), S> {
    if doc.is_empty() {
        let gone = "DELETE FROM edge_part WHERE edge_id = ?1 AND part = ?2";
        sql.execute(gone, values![edge_id, part])?;
        return Ok(());
    }
    sql.execute(
        "INSERT INTO edge_part VALUES(?1, ?2, ?3)
         ON CONFLICT(edge_id, part) DO UPDATE SET doc = excluded.doc",
        values![edge_id, part, doc],
    )?;
    Ok(())
}

pub(crate) fn clear_parts<S: Sql>(sql: &S, edge_id: &str) -> Answer<(), S> {
    sql.execute("DELETE FROM edge_part WHERE edge_id = ?1", values![edge_id])?;
    Ok(())
}

/// Edges that have not been heard of for too long, the longest silent first.
pub(crate) fn silent<S: Sql>(sql: &S, now: Time, limit: usize) -> Answer<Vec<String>, S> {
    let found = sql.rows(
        "SELECT edge_id FROM edge WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        values![now, limit],
    )?;
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
