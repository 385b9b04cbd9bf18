//! Revocations, users and tickets: rows by key.

use super::{Answer, Failure, Sql, values};
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

pub(crate) fn get<S: Sql>(sql: &S, key: &Key) -> Answer<Option<Entry>, S> {
    let found = sql.row(
        "SELECT doc FROM access WHERE kind = ?1 AND tenant = ?2 AND name = ?3",
        values![number(key.table), &key.tenant, &key.name],
    )?;
    Ok(found.map(|row| row.doc(0)).transpose()?)
}

/// Writes what an entry became; none deletes it.
pub(crate) fn put<S: Sql>(sql: &S, key: &Key, entry: Option<&Entry>) -> Answer<(), S> {
    let Some(entry) = entry else {
        sql.execute(
            "DELETE FROM access WHERE kind = ?1 AND tenant = ?2 AND name = ?3",
            values![number(key.table), &key.tenant, &key.name],
        )?;
        return Ok(());
    };
    let doc = codec::to_json(entry).map_err(Failure::Broken)?;
    sql.execute(
        "INSERT INTO access VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(kind, tenant, name)
         DO UPDATE SET expires_at = excluded.expires_at, doc = excluded.doc",
        values![number(key.table), &key.tenant, &key.name, entry.expires_at(), &doc],
    )?;
    Ok(())
}

pub(crate) fn list<S: Sql>(sql: &S, query: &AccessQuery) -> Answer<Vec<Entry>, S> {
    let (tenant, name) = query.after.as_ref().map_or(("", ""), |(tenant, name)| (tenant, name));
    let found = sql.rows(
        "SELECT doc FROM access WHERE kind = ?1 AND (CAST(?2 AS TEXT) IS NULL OR tenant = ?2)
         AND (CAST(?6 AS TEXT) IS NULL OR name = ?6) AND (tenant, name) > (?3, ?4)
         ORDER BY tenant, name LIMIT ?5",
        values![
            number(query.table),
            query.tenant.as_deref(),
            tenant,
            name,
            query.limit,
            query.name.as_deref(),
        ],
    )?;
    Ok(found.iter().map(|row| row.doc(0)).collect::<Result<_, _>>()?)
}

/// Deletes entries that are past their time.
pub(crate) fn forget<S: Sql>(sql: &S, now: u64, limit: usize) -> Answer<u64, S> {
    sql.execute(
        "DELETE FROM access WHERE (kind, tenant, name) IN
         (SELECT kind, tenant, name FROM access WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        values![now, limit],
    )
}
