//! Topics that hold more than their retention allows. Lanes mark those that they make so. Those that were so
//! before (a retention may have been made smaller) are found by looking at all topics, some with each
//! cleaning: with millions, all at once would hold up a start, and what is written meanwhile.

use super::clean::in_transaction;
use super::connection::Connection;
use super::failure::Failure;
use crate::domain::retention::Retentions;
use crate::store::Error;
use crate::store::sql::{Row, Sql as _, values};

/// Topics that one cleaning looks at: some milliseconds.
pub(super) const LOOKED_AT_MAX: usize = 1024;

/// Topics in the order of their rows.
pub(super) const NEXT: &str = "SELECT id, kind, tenant, name, head - floor, bytes FROM topic
     WHERE id > ?1 ORDER BY id LIMIT ?2";
/// In the order of lanes, which may be at work. Nobody else's row is passed over: what is not marked here is
/// not looked at again. A topic that was cleaned meanwhile is cleaned again, and its mark taken away.
pub(super) const MARK: &str = "UPDATE topic SET is_crowded = true WHERE id = ANY(ARRAY(
     SELECT id FROM topic WHERE id = ANY(?1::bigint[]) AND NOT is_crowded ORDER BY id FOR UPDATE))";

/// How far the topics have been looked at.
#[derive(Debug)]
pub(super) struct Crowded {
    /// The last row that was; none once all were.
    looked_at: Option<i64>,
}

impl Crowded {
    /// Nothing is known yet.
    pub(super) fn new() -> Crowded {
        Crowded { looked_at: Some(i64::MIN) }
    }

    /// Looks at the next topics, if any are left, and marks those that hold too much; answers at how many it
    /// looked. In a transaction of its own.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        retentions: &Retentions,
    ) -> Result<u64, Failure> {
        let Some(after) = self.looked_at else { return Ok(0) };
        let ids =
            in_transaction(connection, |connection| mark_next(connection, retentions, after))?;
        self.looked_at = ids.last().copied().filter(|_| ids.len() == LOOKED_AT_MAX);
        Ok(ids.len() as u64)
    }
}

/// The rows of the next topics, of which those that hold too much are marked.
fn mark_next(
    connection: &Connection,
    retentions: &Retentions,
    after: i64,
) -> Result<Vec<i64>, Failure> {
    let (mut ids, mut crowded) = (Vec::with_capacity(LOOKED_AT_MAX), Vec::new());
    for row in connection.rows(NEXT, values![after, LOOKED_AT_MAX])? {
        let id = row.number(0)?;
        ids.push(id);
        // What cannot be read is told by whoever needs it.
        if is_crowded(&row, retentions).unwrap_or(false) {
            crowded.push(id);
        }
    }
    if !crowded.is_empty() {
        connection.change(MARK, &[&crowded]).map_err(Failure::Engine)?;
    }
    Ok(ids)
}

fn is_crowded(row: &Row, retentions: &Retentions) -> Result<bool, Error> {
    Ok(retentions.is_passed(row.topic(1)?.kind(), row.unsigned(4)?, row.unsigned(5)?))
}
