//! Who is in a session or room through which edge: rows for each user and edge.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::batch::Batch;
use super::failure::Failure;
use super::{row, session as sessions};
use crate::domain::event::{Body, NewEvent};
use crate::domain::limits::PARTICIPANTS_NAMED_MAX;
use crate::domain::presence::{
    Announcement, Decided, Event, IN_ROOM, Move, Participant, Presence, decide, decide_room,
};
use crate::domain::session;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::Append;
use crate::store::session::Outcome;

/// A user's rows: the connections through each edge, and since when.
#[derive(Debug, Default)]
struct Known {
    edges: BTreeMap<String, u32>,
    since: Option<Time>,
}

impl Batch<'_> {
    /// Writes who came and went, and appends what tells of it.
    pub(super) fn announce(
        &mut self,
        topic: Topic,
        announced: &[Announcement],
    ) -> Result<Outcome, Failure> {
        let held = match topic.kind() {
            Kind::Session => Some(sessions::open(self.connection, &topic)?),
            Kind::Room | Kind::Job | Kind::Project | Kind::User | Kind::Access => None,
        };
        let id = self.memory.heads.touch(self.connection, &topic)?.id;
        let moves = moves(self.connection, id, announced)?;
        let known: Vec<_> = moves.iter().filter(|user| user.before > 0).cloned().collect();
        let decided = match &held {
            Some(held) => decide(held.tally, moves, self.now),
            None => decide_room(count(self.connection, id)?, moves, self.now),
        };
        let Decided { tally, mut events, moved, lists } = decided;
        for one in announced {
            let since = moved.iter().find(|user| user.user_id == one.user_id);
            let since = since.map(|user| user.since).or_else(|| {
                known.iter().find(|user| user.user_id == one.user_id).and_then(|user| user.since)
            });
            // Whoever has neither came when it was full.
            if let Some(since) = since {
                put(self.connection, id, one, since)?;
            }
        }
        if lists {
            let listed = Some(participants(self.connection, id)?);
            events.push(Event::Counted { participants: tally.participants, listed });
        }
        if held.as_ref().is_some_and(|held| held.tally != tally) {
            sessions::put_tally(self.connection, id, tally)?;
        }
        let first = self.events.len();
        if !events.is_empty() {
            let events = events.into_iter().map(|event| NewEvent {
                kind: if held.is_some() { event.kind() } else { IN_ROOM }.into(),
                body: Body::Session(Arc::new(session::Event::Presence(event))),
            });
            self.append(vec![Append { topic, events: events.collect() }], None)?;
        }
        Ok(Outcome::Events(self.events[first..].to_vec()))
    }
}

/// What announcements move, by user, beside the announcements themselves.
fn moves(
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
fn put(
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

/// Who is there, by user.
fn participants(connection: &Connection, topic: i64) -> Result<Vec<Participant>, Failure> {
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

/// Who is there, each by name.
pub(super) fn named(connection: &Connection, topic: i64) -> Result<Presence, Failure> {
    let users = participants(connection, topic)?.into_iter();
    Ok(Presence::Named(users.map(|user| (user.user_id.clone(), user)).collect()))
}

/// Who is in a room, as its last event tells.
pub(super) fn of_room(connection: &Connection, topic: i64) -> Result<Presence, Failure> {
    match count(connection, topic)? {
        many if many > PARTICIPANTS_NAMED_MAX => Ok(Presence::Counted(many)),
        _ => named(connection, topic),
    }
}

/// How many users are there.
fn count(connection: &Connection, topic: i64) -> Result<u64, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT count(DISTINCT user_id) FROM participant WHERE topic = ?1")?;
    Ok(statement.query_row([topic], |found| row::unsigned(found, 0))?)
}

/// Empties a session, a little at a time: how many rows went.
pub(super) fn clear(connection: &Connection, topic: i64, limit: i64) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM participant WHERE (topic, user_id, edge_id) IN
         (SELECT topic, user_id, edge_id FROM participant WHERE topic = ?1 LIMIT ?2)",
    )?;
    Ok(statement.execute(params![topic, limit])?)
}

/// Everybody in open sessions and in rooms.
pub(super) fn announcements(
    connection: &Connection,
) -> Result<Vec<(Topic, Announcement)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT t.kind, t.tenant, t.name, p.edge_id, p.user_id, p.connections
         FROM participant p JOIN topic t ON t.id = p.topic LEFT JOIN session s ON s.topic = p.topic
         WHERE s.closed_at IS NULL AND (s.topic IS NOT NULL OR t.kind = ?1)",
    )?;
    let mut rows = statement.query([row::kind_number(Kind::Room)])?;
    let mut announced = Vec::new();
    while let Some(found) = rows.next()? {
        let (edge_id, user_id, connections) = (found.get(3)?, found.get(4)?, found.get(5)?);
        announced.push((row::topic(found, 0)?, Announcement { edge_id, user_id, connections }));
    }
    Ok(announced)
}
