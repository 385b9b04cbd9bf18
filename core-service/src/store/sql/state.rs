//! Reading sessions.

use std::collections::BTreeMap;

use super::graph::Body;
use super::row::kind_number;
use super::session::Held;
use super::{Answer, Sql, copy, graph, presence, session, values};
use crate::domain::cursor::Cursor;
use crate::domain::presence::{Presence, Tally};
use crate::domain::session::{Graph, Session, State};
use crate::domain::topic::{Kind, Topic};
use crate::store::session::{Found, Outline, Save, Which};

/// The head of a topic, by its row.
fn cursor<S: Sql>(sql: &S, topic: i64) -> Answer<Cursor, S> {
    let found = sql.row("SELECT head, stamp FROM topic_head WHERE topic = ?1", values![topic])?;
    Ok(found.map_or(Ok(Cursor::START), |row| row.cursor(0))?)
}

/// The row of a topic that somebody has written to.
fn id<S: Sql>(sql: &S, topic: &Topic) -> Answer<Option<i64>, S> {
    let found = sql.row(
        "SELECT id FROM topic WHERE kind = ?1 AND tenant = ?2 AND name = ?3",
        values![kind_number(topic.kind()), topic.tenant(), topic.name()],
    )?;
    Ok(found.map(|row| row.number(0)).transpose()?)
}

pub(crate) fn outline<S: Sql>(sql: &S, session_id: &str) -> Answer<Option<Outline>, S> {
    let Some(Held { topic, session, tally }) = session::get(sql, session_id)? else {
        return Ok(None);
    };
    let graphs = graph::of_session(sql, topic)?;
    let graphs = graphs.into_iter().map(|graph| (graph.name, graph.head)).collect();
    Ok(Some(Outline { session, cursor: cursor(sql, topic)?, graphs, tally }))
}

pub(crate) fn whole<S: Sql>(sql: &S, session_id: &str) -> Answer<Option<(Cursor, State)>, S> {
    let Some(Held { topic, session, tally }) = session::get(sql, session_id)? else {
        return Ok(None);
    };
    let mut graphs = BTreeMap::new();
    for graph in graph::of_session(sql, topic)? {
        let document = Body { sql, body: graph.body }.document()?;
        graphs.insert(graph.name, Graph { head: graph.head, document });
    }
    let presence = who(sql, topic, &session, tally)?;
    Ok(Some((cursor(sql, topic)?, State { session, graphs, presence })))
}

pub(crate) fn presence_of<S: Sql>(sql: &S, topic: &Topic) -> Answer<Option<(Cursor, Presence)>, S> {
    if topic.kind() != Kind::Session {
        let Some(id) = id(sql, topic)? else {
            return Ok(Some((Cursor::START, Presence::default())));
        };
        return Ok(Some((cursor(sql, id)?, presence::of_room(sql, id)?)));
    }
    let held = session::get(sql, topic.name())?;
    let held = held.filter(|held| held.session.tenant == topic.tenant());
    let Some(Held { topic, session, tally }) = held else { return Ok(None) };
    let presence = who(sql, topic, &session, tally)?;
    Ok(Some((cursor(sql, topic)?, presence)))
}

/// Nobody is in a session that was closed.
fn who<S: Sql>(sql: &S, topic: i64, session: &Session, tally: Tally) -> Answer<Presence, S> {
    if session.closed_at.is_some() {
        return Ok(Presence::default());
    }
    if tally.is_counted {
        return Ok(Presence::Counted(tally.participants));
    }
    presence::named(sql, topic)
}

pub(crate) fn one<S: Sql>(sql: &S, session_id: &str, which: Which) -> Answer<Option<Found>, S> {
    let Some(Held { topic, .. }) = session::get(sql, session_id)? else { return Ok(None) };
    let (name, head, body, version) = match which {
        Which::Graph(name) => {
            let mut graphs = graph::of_session(sql, topic)?.into_iter();
            match graphs.find(|graph| graph.name == name) {
                Some(found) => (name, found.head, found.body, None),
                None => return Ok(None),
            }
        }
        Which::Save { name, version } => match copy::find(sql, topic, &name, version)? {
            Some((save, body)) => (name, save.head, body, Some(save.version)),
            None => return Ok(None),
        },
    };
    let document = Body { sql, body }.document()?;
    let cursor = cursor(sql, topic)?;
    Ok(Some(Found { graph: Graph { head, document }, name, version, cursor }))
}

pub(crate) fn saves<S: Sql>(sql: &S, session_id: &str) -> Answer<Vec<Save>, S> {
    let held = session::get(sql, session_id)?;
    held.map_or(Ok(Vec::new()), |held| copy::list(sql, held.topic))
}
