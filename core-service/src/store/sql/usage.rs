//! What jobs have used of models: sums by project and by session.

use super::{Answer, Sql, values};
use crate::domain::job::Usage;

/// The session of a project's own sum.
pub(crate) const ALL: &str = "";

/// A sum; nothing where nothing was reported.
pub(crate) fn get<S: Sql>(sql: &S, project_id: &str, session_id: &str) -> Answer<Usage, S> {
    let found = sql.row(
        "SELECT input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, total_tokens,
         cost_micros FROM usage_total WHERE project_id = ?1 AND session_id = ?2",
        values![project_id, session_id],
    )?;
    let Some(row) = found else { return Ok(Usage::default()) };
    Ok(Usage {
        input_tokens: row.number(0)?,
        output_tokens: row.number(1)?,
        cached_input_tokens: row.number(2)?,
        reasoning_tokens: row.number(3)?,
        total_tokens: row.number(4)?,
        cost_micros: row.number(5)?,
        model: String::new(),
    })
}

pub(crate) fn delete<S: Sql>(sql: &S, project_id: &str, session_id: &str) -> Answer<(), S> {
    sql.execute(
        "DELETE FROM usage_total WHERE project_id = ?1 AND session_id = ?2",
        values![project_id, session_id],
    )?;
    Ok(())
}
