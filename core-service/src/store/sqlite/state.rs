//! Reading sessions.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::graph::Body;
use super::row::{self, signed};
use super::session::{COLUMNS, Held};
use super::{body, graph, heads, presence, session};
use crate::domain::cursor::Cursor;
use crate::domain::presence::{Presence, Tally};
use crate::domain::session::{Graph, Session, State};
use crate::domain::topic::{Kind, Topic};
use crate::store::session::{Found, Listing, Outline, Save, Which};

fn cursor(connection: &Connection, topic: i64) -> Result<Cursor, Failure> {
    let found = connection
        .prepare_cached("SELECT head, stamp FROM topic_head WHERE topic = ?1")?
        .query_row([topic], |found| row::cursor(found, 0))
        .optional()?;
    Ok(found.unwrap_or(Cursor::START))
}

pub(super) fn outline(
    connection: &Connection,
    session_id: &str,
) -> Result<Option<Outline>, Failure> {
    let Some(Held { topic, session, tally }) = session::get(connection, session_id)? else {
        return Ok(None);
    };
    let graphs = graph::of_session(connection, topic)?;
    let graphs = graphs.into_iter().map(|graph| (graph.name, graph.head)).collect();
    Ok(Some(Outline { session, cursor: cursor(connection, topic)?, graphs, tally }))
}

pub(super) fn list(
    connection: &Connection,
    project_id: &str,
    listing: &Listing,
) -> Result<Vec<Session>, Failure> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM session WHERE project_id = ?1
         AND (?2 IS NULL OR session_id < ?2) ORDER BY session_id DESC LIMIT ?3"
    ))?;
    let wanted = params![project_id, listing.after, signed(listing.limit as u64)];
    let rows = statement.query_map(wanted, session::read)?;
    Ok(rows.map(|found| found.map(|held| held.session)).collect::<Result<_, _>>()?)
}

pub(super) fn whole(
    connection: &Connection,
    session_id: &str,
) -> Result<Option<(Cursor, State)>, Failure> {
    let Some(Held { topic, session, tally }) = session::get(connection, session_id)? else {
        return Ok(None);
    };
    let mut graphs = BTreeMap::new();
    for graph in graph::of_session(connection, topic)? {
        let document = Body { connection, body: graph.body }.document()?;
        graphs.insert(graph.name, Graph { head: graph.head, document });
    }
    let presence = who(connection, topic, &session, tally)?;
    Ok(Some((cursor(connection, topic)?, State { session, graphs, presence })))
}

pub(super) fn presence_of(
    connection: &Connection,
    topic: &Topic,
) -> Result<Option<(Cursor, Presence)>, Failure> {
    if topic.kind() != Kind::Session {
        let Some(id) = heads::id(connection, topic)? else {
            return Ok(Some((Cursor::START, Presence::default())));
        };
        return Ok(Some((cursor(connection, id)?, presence::of_room(connection, id)?)));
    }
    let held = session::get(connection, topic.name())?;
    let held = held.filter(|held| held.session.tenant == topic.tenant());
    let Some(Held { topic, session, tally }) = held else { return Ok(None) };
    let presence = who(connection, topic, &session, tally)?;
    Ok(Some((cursor(connection, topic)?, presence)))
}

/// Nobody is in a session that was closed.
fn who(
    connection: &Connection,
    topic: i64,
    session: &Session,
    tally: Tally,
) -> Result<Presence, Failure> {
    if session.closed_at.is_some() {
        return Ok(Presence::default());
    }
    if tally.is_counted {
        return Ok(Presence::Counted(tally.participants));
    }
    presence::named(connection, topic)
}

pub(super) fn one(
    connection: &Connection,
    session_id: &str,
    which: Which,
) -> Result<Option<Found>, Failure> {
    let Some(Held { topic, .. }) = session::get(connection, session_id)? else { return Ok(None) };
    let (name, head, body, version) = match which {
        Which::Graph(name) => {
            let mut graphs = graph::of_session(connection, topic)?.into_iter();
            match graphs.find(|graph| graph.name == name) {
                Some(found) => (name, found.head, found.body, None),
                None => return Ok(None),
            }
        }
        Which::Save { name, version } => match body::find(connection, topic, &name, version)? {
            Some((save, body)) => (name, save.head, body, Some(save.version)),
            None => return Ok(None),
        },
    };
    let document = Body { connection, body }.document()?;
    let cursor = cursor(connection, topic)?;
    Ok(Some(Found { graph: Graph { head, document }, name, version, cursor }))
}

pub(super) fn saves(connection: &Connection, session_id: &str) -> Result<Vec<Save>, Failure> {
    let held = session::get(connection, session_id)?;
    held.map_or(Ok(Vec::new()), |held| body::list(connection, held.topic))
}
