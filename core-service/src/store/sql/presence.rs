//! Who is in a session or room through which edge: rows for each user and edge.

use std::collections::BTreeMap;

use super::row::kind_number;
use super::{Answer, Row, Sql, values};
use crate::domain::limits::PARTICIPANTS_NAMED_MAX;
use crate::domain::presence::{Announcement, Participant, Presence};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::Error;

/// A user's rows: the connections through each edge, and since when.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) edges: BTreeMap<String, u32>,
    pub(crate) since: Option<Time>,
}

pub(crate) fn known<S: Sql>(sql: &S, topic: i64, user_id: &str) -> Answer<Known, S> {
    let found = sql.rows(
        "SELECT edge_id, connections, since FROM participant WHERE topic = ?1 AND user_id = ?2",
        values![topic, user_id],
    )?;
    let mut known = Known::default();
    for row in found {
        known.edges.insert(row.text(0)?, row.small(1)?);
        known.since = row.time(2)?;
    }
    Ok(known)
}

/// Writes an announcement of a user who is there since then.
pub(crate) fn put<S: Sql>(
    sql: &S,
    topic: i64,
    announced: &Announcement,
    since: Time,
) -> Answer<(), S> {
    let Announcement { edge_id, user_id, connections } = announced;
    if *connections == 0 {
        sql.execute(
            "DELETE FROM participant WHERE topic = ?1 AND user_id = ?2 AND edge_id = ?3",
            values![topic, user_id, edge_id],
        )?;
        return Ok(());
    }
    sql.execute(
        "INSERT INTO participant VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(topic, user_id, edge_id)
         DO UPDATE SET connections = excluded.connections, since = excluded.since",
        values![topic, user_id, edge_id, *connections, since],
    )?;
    Ok(())
}

/// Who is there, by user.
pub(crate) fn participants<S: Sql>(sql: &S, topic: i64) -> Answer<Vec<Participant>, S> {
    let found = sql.rows(
        "SELECT user_id, min(since), CAST(sum(connections) AS BIGINT) FROM participant
         WHERE topic = ?1 GROUP BY user_id ORDER BY user_id",
        values![topic],
    )?;
    let participant = |row: &Row| {
        let since = Time(row.unsigned(1)?);
        Ok(Participant { user_id: row.text(0)?, since, connections: row.small(2)? })
    };
    Ok(found.iter().map(participant).collect::<Result<_, Error>>()?)
}

/// Who is there, each by name.
pub(crate) fn named<S: Sql>(sql: &S, topic: i64) -> Answer<Presence, S> {
    let users = participants(sql, topic)?.into_iter();
    Ok(Presence::Named(users.map(|user| (user.user_id.clone(), user)).collect()))
}

/// Who is in a room, as its last event tells.
pub(crate) fn of_room<S: Sql>(sql: &S, topic: i64) -> Answer<Presence, S> {
    match count(sql, topic)? {
        many if many > PARTICIPANTS_NAMED_MAX => Ok(Presence::Counted(many)),
        _ => named(sql, topic),
    }
}

/// How many users are there.
pub(crate) fn count<S: Sql>(sql: &S, topic: i64) -> Answer<u64, S> {
    sql.number("SELECT count(DISTINCT user_id) FROM participant WHERE topic = ?1", values![topic])
}

/// Empties a session, a little at a time: how many rows went.
pub(crate) fn clear<S: Sql>(sql: &S, topic: i64, limit: usize) -> Answer<u64, S> {
    sql.execute(
        "DELETE FROM participant WHERE (topic, user_id, edge_id) IN
         (SELECT topic, user_id, edge_id FROM participant WHERE topic = ?1 LIMIT ?2)",
        values![topic, limit],
    )
}

/// Everybody in open sessions and in rooms through an edge.
pub(crate) fn announcements<S: Sql>(
    sql: &S,
    edge_id: &str,
) -> Answer<Vec<(Topic, Announcement)>, S> {
    let found = sql.rows(
        "SELECT t.kind, t.tenant, t.name, p.edge_id, p.user_id, p.connections
         FROM participant p JOIN topic t ON t.id = p.topic LEFT JOIN session s ON s.topic = p.topic
         WHERE p.edge_id = ?1 AND s.closed_at IS NULL AND (s.topic IS NOT NULL OR t.kind = ?2)",
        values![edge_id, kind_number(Kind::Room)],
    )?;
    let announced = |row: &Row| {
        let (edge_id, user_id, connections) = (row.text(3)?, row.text(4)?, row.small(5)?);
        Ok((row.topic(0)?, Announcement { edge_id, user_id, connections }))
    };
    Ok(found.iter().map(announced).collect::<Result<_, Error>>()?)
}
