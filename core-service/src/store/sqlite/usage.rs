//! Summing up what jobs use of models.

use rusqlite::Connection;
use rusqlite::params;

use super::failure::Failure;
use crate::domain::job::{Spec, Usage};
use crate::store::sql::usage::adding;

/// Adds to the sums of a job's project and session, as far as they are there.
pub(super) fn add(connection: &Connection, spec: &Spec, more: &Usage) -> Result<(), Failure> {
    let [input, output, cached, reasoning, total, cost] = more.numbers();
    connection.prepare_cached(ADD)?.execute(params![
        spec.project,
        spec.session,
        spec.tenant,
        input,
        output,
        cached,
        reasoning,
        total,
        cost
    ])?;
    Ok(())
}

const ADD: &str = concat!(
    "INSERT INTO usage_total
       SELECT project_id, '', ?4, ?5, ?6, ?7, ?8, ?9 FROM project
         WHERE project_id = ?1 AND tenant = ?3
       UNION ALL SELECT project_id, session_id, ?4, ?5, ?6, ?7, ?8, ?9 FROM session
         WHERE session_id = ?2 AND project_id = ?1 AND tenant = ?3 ",
    adding!()
);
