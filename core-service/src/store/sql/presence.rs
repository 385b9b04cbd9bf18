//! Who is in a session or room through which edge: rows for each user and edge.

use std::collections::BTreeMap;

use super::row::kind_number;
use super::{Answer, Row, Sql, json, signed, values};
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

/// The rows of those of the users that have any.
pub(crate) fn known<'user, S: Sql>(
    sql: &S,
    topic: i64,
    users: impl Iterator<Item = &'user &'user str>,
) -> Answer<BTreeMap<String, Known>, S> {
    let users = json(users.map(|user_id| (user_id,)))?;
    let found = sql.rows(
        &format!(
            "SELECT user_id, edge_id, connections, since FROM participant
             WHERE topic = ?2 AND user_id IN (SELECT w.value ->> 0 FROM {} w)",
            S::EACH
        ),
        values![&users, topic],
    )?;
    let mut by_user: BTreeMap<String, Known> = BTreeMap::new();
    for row in found {
        let known = by_user.entry(row.text(0)?).or_default();
        known.edges.insert(row.text(1)?, row.small(2)?);
        known.since = row.time(3)?;
    }
    Ok(by_user)
}

/// Writes announcements, each of a user who is there since then.
pub(crate) fn put<S: Sql>(sql: &S, topic: i64, here: &[(&Announcement, Time)]) -> Answer<(), S> {
    let (gone, there): (Vec<_>, Vec<_>) = here.iter().partition(|(one, _)| one.connections == 0);
    if !gone.is_empty() {
        let gone = json(gone.into_iter().map(|(one, _)| (&one.user_id, &one.edge_id)))?;
        sql.execute(
            &format!(
                "DELETE FROM participant WHERE topic = ?2
                 AND (user_id, edge_id) IN (SELECT w.value ->> 0, w.value ->> 1 FROM {} w)",
                S::EACH
            ),
            values![&gone, topic],
        )?;
    }
    if !there.is_empty() {
        let there = there
            .into_iter()
            .map(|(one, since)| (&one.user_id, &one.edge_id, one.connections, signed(since.0)));
        sql.execute(
            &format!(
                "INSERT INTO participant SELECT CAST(?2 AS BIGINT), w.value ->> 0, w.value ->> 1,
                   CAST(w.value ->> 2 AS BIGINT), CAST(w.value ->> 3 AS BIGINT)
                 FROM {} w WHERE true ON CONFLICT(topic, user_id, edge_id)
                 DO UPDATE SET connections = excluded.connections, since = excluded.since",
                S::EACH
            ),
            values![&json(there)?, topic],
        )?;
    }
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
        // As many as a number can say, as where they are counted.
        let connections = u32::try_from(row.unsigned(2)?).unwrap_or(u32::MAX);
        Ok(Participant { user_id: row.text(0)?, since: Time(row.unsigned(1)?), connections })
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

/// Where somebody stands among all who are somewhere through an edge: the row of the topic, and the user.
pub(crate) type Stand = (i64, String);

/// Who is in open sessions and in rooms through an edge, from a stand on.
pub(crate) fn announcements<S: Sql>(
    sql: &S,
    edge_id: &str,
    after: &Stand,
    limit: usize,
) -> Answer<Vec<(Stand, Topic, Announcement)>, S> {
    let found = sql.rows(
        "SELECT t.kind, t.tenant, t.name, p.edge_id, p.user_id, p.connections, p.topic
         FROM participant p JOIN topic t ON t.id = p.topic LEFT JOIN session s ON s.topic = p.topic
         WHERE p.edge_id = ?1 AND s.closed_at IS NULL AND (s.topic IS NOT NULL OR t.kind = ?2)
         AND (p.topic, p.user_id) > (?3, ?4) ORDER BY p.topic, p.user_id LIMIT ?5",
        values![edge_id, kind_number(Kind::Room), after.0, &after.1, limit],
    )?;
    let announced = |row: &Row| {
        let (edge_id, user_id, connections) = (row.text(3)?, row.text(4)?, row.small(5)?);
        let stand = (row.number(6)?, user_id.clone());
        Ok((stand, row.topic(0)?, Announcement { edge_id, user_id, connections }))
    };
    Ok(found.iter().map(announced).collect::<Result<_, Error>>()?)
}
