//! Who is in a session through which edge: rows for each user and edge.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::failure::Failure;
use super::row;
use crate::domain::presence::{Move, Participant};
use crate::domain::session::Announcement;
use crate::domain::time::Time;

/// A user's rows: the connections through each edge, and since when.
#[derive(Debug, Default)]
struct Known {
    edges: BTreeMap<String, u32>,
    since: Option<Time>,
}

/// What announcements move, by user, beside the announcements themselves.
pub(super) fn moves(
    connection: &Connection,
    topic: i64,
    announced: &[Announcement],
) -> Result<Vec<Move>, Failure> {
    let mut by_user: BTreeMap<&str, Vec<&Announcement>> = BTreeMap::new();
    for one in announced {
        by_user.entry(&one.user_id).or_default().push(one);
    }
    let mut moves = Vec::with_capacity(by_user.len());
    for (user_id, announced) in by_user {
        let Known { mut edges, since } = known(connection, topic, user_id)?;
        let before = sum(&edges);
        for one in announced {
            edges.insert(one.edge_id.clone(), one.connections);
        }
        moves.push(Move { user_id: user_id.to_owned(), since, before, after: sum(&edges) });
    }
    Ok(moves)
}

fn sum(edges: &BTreeMap<String, u32>) -> u32 {
    edges.values().fold(0, |sum, connections| sum.saturating_add(*connections))
}

fn known(connection: &Connection, topic: i64, user_id: &str) -> Result<Known, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT edge_id, connections, since FROM participant WHERE topic = ?1 AND user_id = ?2",
    )?;
    let mut rows = statement.query(params![topic, user_id])?;
    let mut known = Known::default();
    while let Some(found) = rows.next()? {
        known.edges.insert(found.get(0)?, found.get(1)?);
        known.since = row::time(found, 2)?;
    }
    Ok(known)
}

/// Writes an announcement of a user who is there since then.
pub(super) fn put(
    connection: &Connection,
    topic: i64,
    announced: &Announcement,
    since: Time,
) -> Result<(), Failure> {
    let Announcement { edge_id, user_id, connections } = announced;
    if *connections == 0 {
        connection
            .prepare_cached(
                "DELETE FROM participant WHERE topic = ?1 AND user_id = ?2 AND edge_id = ?3",
            )?
            .execute(params![topic, user_id, edge_id])?;
        return Ok(());
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO participant VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![topic, user_id, edge_id, connections, row::signed(since.0)])?;
    Ok(())
}

/// Who is in a session, by user.
pub(super) fn participants(
    connection: &Connection,
    topic: i64,
) -> Result<Vec<Participant>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, min(since), sum(connections) FROM participant WHERE topic = ?1
         GROUP BY user_id ORDER BY user_id",
    )?;
    let rows = statement.query_map([topic], |found| {
        let since = Time(row::unsigned(found, 1)?);
        Ok(Participant { user_id: found.get(0)?, since, connections: found.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Empties a session, a little at a time: how many rows went.
pub(super) fn clear(connection: &Connection, topic: i64, limit: i64) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM participant WHERE (topic, user_id, edge_id) IN
         (SELECT topic, user_id, edge_id FROM participant WHERE topic = ?1 LIMIT ?2)",
    )?;
    Ok(statement.execute(params![topic, limit])?)
}

/// Everybody in an open session.
pub(super) fn announcements(
    connection: &Connection,
) -> Result<Vec<(String, Announcement)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT s.session_id, p.edge_id, p.user_id, p.connections
         FROM participant p JOIN session s ON s.topic = p.topic WHERE s.closed_at IS NULL",
    )?;
    let rows = statement.query_map([], |found| {
        let (edge_id, user_id, connections) = (found.get(1)?, found.get(2)?, found.get(3)?);
        Ok((found.get(0)?, Announcement { edge_id, user_id, connections }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
