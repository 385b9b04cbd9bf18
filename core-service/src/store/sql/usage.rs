//! What jobs have used of models: sums by project and by session.

use super::{Answer, Sql, values};
use crate::domain::job::Usage;

/// The session of a project's own sum.
pub(crate) const ALL: &str = "";

/// Adds what was used since.
pub(crate) fn add<S: Sql>(
    sql: &S,
    project_id: &str,
    session_id: &str,
    more: &Usage,
) -> Answer<(), S> {
    sql.execute(
        "INSERT INTO usage_total VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT(project_id, session_id) DO UPDATE SET
         input_tokens = usage_total.input_tokens + excluded.input_tokens,
         output_tokens = usage_total.output_tokens + excluded.output_tokens,
         cached_input_tokens = usage_total.cached_input_tokens + excluded.cached_input_tokens,
         reasoning_tokens = usage_total.reasoning_tokens + excluded.reasoning_tokens,
         total_tokens = usage_total.total_tokens + excluded.total_tokens,
         cost_micros = usage_total.cost_micros + excluded.cost_micros",
        values![
            project_id,
            session_id,
            more.input_tokens,
            more.output_tokens,
            more.cached_input_tokens,
            more.reasoning_tokens,
            more.total_tokens,
            more.cost_micros
        ],
    )?;
    Ok(())
}

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
