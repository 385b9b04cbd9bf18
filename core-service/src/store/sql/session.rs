//! Sessions: rows by id.

use super::{Answer, Row, Sql, values};
use crate::domain::presence::Tally;
use crate::domain::session::Session;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::session::{Listing, Refusal};

/// A session's row.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) topic: i64,
    pub(crate) session: Session,
    pub(crate) tally: Tally,
}

const SELECT: &str = "SELECT topic, session_id, project_id, tenant, name, created_at, closed_at,
     participants, is_counted FROM session";

fn read(row: &Row) -> Result<Held, Error> {
    let session = Session {
        session_id: row.text(1)?,
        project_id: row.text(2)?,
        tenant: row.text(3)?,
        name: row.text(4)?,
        created_at: Time(row.unsigned(5)?),
        closed_at: row.time(6)?,
    };
    let tally = Tally { participants: row.unsigned(7)?, is_counted: row.is(8)? };
    Ok(Held { topic: row.number(0)?, session, tally })
}

pub(crate) fn get<S: Sql>(sql: &S, session_id: &str) -> Answer<Option<Held>, S> {
    let found = sql.row(&format!("{SELECT} WHERE session_id = ?1"), values![session_id])?;
    Ok(found.as_ref().map(read).transpose()?)
}

/// The session, if it takes commands.
pub(crate) fn get_open<S: Sql>(sql: &S, session_id: &str) -> Answer<Held, S> {
    is_open(get(sql, session_id)?, session_id)
}

/// The open session that a topic is the log of.
pub(crate) fn open<S: Sql>(sql: &S, topic: &Topic) -> Answer<Held, S> {
    let found = get(sql, topic.name())?;
    is_open(found.filter(|held| held.session.tenant == topic.tenant()), topic.name())
}

fn is_open<E>(found: Option<Held>, session_id: &str) -> Result<Held, super::Failure<E>> {
    match found {
        None => Err(Refusal::SessionNotFound(session_id.to_owned()).into()),
        Some(held) if held.session.closed_at.is_some() => {
            Err(Refusal::Closed(session_id.to_owned()).into())
        }
        Some(held) => Ok(held),
    }
}

/// A project's sessions, newest first.
pub(crate) fn list<S: Sql>(
    sql: &S,
    project_id: &str,
    listing: &Listing,
) -> Answer<Vec<Session>, S> {
    let found = sql.rows(
        &format!(
            "{SELECT} WHERE project_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR session_id < ?2)
             ORDER BY session_id DESC LIMIT ?3"
        ),
        values![project_id, listing.after.as_deref(), listing.limit],
    )?;
    Ok(found.iter().map(|row| Ok(read(row)?.session)).collect::<Result<_, Error>>()?)
}

pub(crate) fn insert<S: Sql>(sql: &S, topic: i64, session: &Session) -> Answer<(), S> {
    let Session { session_id, project_id, tenant, name, created_at, .. } = session;
    sql.execute(
        "INSERT INTO session(topic, session_id, project_id, tenant, name, created_at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        values![topic, session_id, project_id, tenant, name, *created_at],
    )?;
    Ok(())
}

pub(crate) fn close<S: Sql>(sql: &S, topic: i64, now: Time) -> Answer<(), S> {
    sql.execute(
        "UPDATE session SET closed_at = ?2, participants = 0 WHERE topic = ?1",
        values![topic, now],
    )?;
    Ok(())
}

pub(crate) fn delete<S: Sql>(sql: &S, topic: i64) -> Answer<u64, S> {
    sql.execute("DELETE FROM session WHERE topic = ?1", values![topic])
}

/// Writes how many are in a session.
pub(crate) fn put_tally<S: Sql>(sql: &S, topic: i64, tally: Tally) -> Answer<(), S> {
    sql.execute(
        "UPDATE session SET participants = ?2, is_counted = ?3 WHERE topic = ?1",
        values![topic, tally.participants, tally.is_counted],
    )?;
    Ok(())
}
