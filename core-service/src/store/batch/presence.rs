//! Who comes and goes, and what tells of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Batch, Rows, Step};
use crate::domain::event::{Body, Event, NewEvent};
use crate::domain::presence::{self as domain, Announcement, Decided, IN_ROOM, Move};
use crate::domain::session;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::Append;
use crate::store::sql::presence::{self, Known};
use crate::store::sql::{Answer, Sql, session as sessions};

impl<R: Rows> Batch<'_, R> {
    /// Writes who came and went, and appends what tells of it: those events.
    pub(super) fn announce(
        &mut self,
        topic: Topic,
        announced: &[Announcement],
    ) -> Step<Vec<Arc<Event>>, R> {
        let held = match topic.kind() {
            Kind::Session => Some(sessions::open(self.rows.sql(), &topic)?),
            Kind::Room | Kind::Job | Kind::Project | Kind::User | Kind::Audit | Kind::Access => {
                None
            }
        };
        let id = self.rows.touch(&topic)?.id;
        let sql = self.rows.sql();
        let moves = moves(sql, id, announced)?;
        let known: Vec<_> = moves.iter().filter(|user| user.before > 0).cloned().collect();
        let decided = match &held {
            Some(held) => domain::decide(held.tally, moves, self.now),
            None => domain::decide_room(presence::count(sql, id)?, moves, self.now),
        };
        let Decided { tally, mut events, moved, lists } = decided;
        let since = |one: &Announcement| {
            let moved = moved.iter().find(|user| user.user_id == one.user_id);
            moved.map(|user| user.since).or_else(|| {
                known.iter().find(|user| user.user_id == one.user_id).and_then(|user| user.since)
            })
        };
        // Whoever has neither came when it was full.
        let here = announced.iter().filter_map(|one| Some((one, since(one)?)));
        presence::put(sql, id, &here.collect::<Vec<_>>())?;
        if lists {
            let listed = Some(presence::participants(sql, id)?);
            events.push(domain::Event::Counted { participants: tally.participants, listed });
        }
        if held.as_ref().is_some_and(|held| held.tally != tally) {
            sessions::put_tally(sql, id, tally)?;
        }
        let first = self.events.len();
        if !events.is_empty() {
            let events = events.into_iter().map(|event| NewEvent {
                kind: if held.is_some() { event.kind() } else { IN_ROOM }.into(),
                body: Body::Session(Arc::new(session::Event::Presence(event))),
            });
            self.append(vec![Append { topic, events: events.collect() }], None)?;
        }
        Ok(self.since(first))
    }
}

/// What announcements move, by user, beside the announcements themselves.
fn moves<S: Sql>(sql: &S, topic: i64, announced: &[Announcement]) -> Answer<Vec<Move>, S> {
    let mut by_user: BTreeMap<&str, Vec<&Announcement>> = BTreeMap::new();
    for one in announced {
        by_user.entry(&one.user_id).or_default().push(one);
    }
    let mut known = presence::known(sql, topic, by_user.keys())?;
    let mut moves = Vec::with_capacity(by_user.len());
    for (user_id, announced) in by_user {
        let Known { mut edges, since } = known.remove(user_id).unwrap_or_default();
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
