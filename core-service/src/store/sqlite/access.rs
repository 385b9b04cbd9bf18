//! Revocations, users and tickets: rows by key.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::Failure;
use super::row::signed;
use crate::domain::access::{Entry, Key, Table};
use crate::store::{AccessQuery, codec};

/// A table's stored number. Never change one.
const fn number(table: Table) -> i64 {
    match table {
        Table::Revocation => 1,
        Table::User => 2,
        Table::Ticket => 3,
    }
}

pub(super) fn get(connection: &Connection, key: &Key) -> Result<Option<Entry>, Failure> {
    let doc: Option<Vec<u8>> = connection
        .prepare_cached("SELECT doc FROM access WHERE kind = ?1 AND tenant = ?2 AND name = ?3")?
        .query_row(params![number(key.table), key.tenant, key.name], |row| row.get(0))
        .optional()?;
    Ok(doc.map(|doc| codec::from_json(&doc)).transpose()?)
}

/// Writes what an entry became; none deletes it.
pub(super) fn put(
    connection: &Connection,
    key: &Key,
    entry: Option<&Entry>,
) -> Result<(), Failure> {
    let Some(entry) = entry else {
        connection
            .prepare_cached("DELETE FROM access WHERE kind = ?1 AND tenant = ?2 AND name = ?3")?
            .execute(params![number(key.table), key.tenant, key.name])?;
        return Ok(());
    };
    let doc = codec::to_json(entry).map_err(Failure::Broken)?;
    let expires_at = entry.expires_at().map(|at| signed(at.0));
    connection
        .prepare_cached("INSERT OR REPLACE INTO access VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![number(key.table), key.tenant, key.name, expires_at, doc])?;
    Ok(())
}

pub(super) fn list(connection: &Connection, query: &AccessQuery) -> Result<Vec<Entry>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT doc FROM access WHERE kind = ?1 AND (?2 IS NULL OR tenant = ?2)
         AND (?6 IS NULL OR name = ?6) AND (tenant, name) > (?3, ?4)
         ORDER BY tenant, name LIMIT ?5",
    )?;
    let (tenant, name) = query.after.as_ref().map_or(("", ""), |(tenant, name)| (tenant, name));
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let wanted = params![number(query.table), query.tenant, tenant, name, limit, query.name];
    let mut rows = statement.query(wanted)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let doc = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        entries.push(codec::from_json(doc)?);
    }
    Ok(entries)
}

/// Deletes entries that are past their time.
pub(super) fn forget(connection: &Connection, now: u64, limit: usize) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM access WHERE (kind, tenant, name) IN
         (SELECT kind, tenant, name FROM access WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(statement.execute(params![signed(now), limit as i64])?)
}
