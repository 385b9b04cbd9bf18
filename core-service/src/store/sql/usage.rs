//! What jobs have used of models: sums by project and by session.

use super::{Answer, Sql, values};
use crate::domain::job::Usage;

/// The session of a project's own sum.
pub(crate) const ALL: &str = "";

/// How an insert adds to a sum that is there. A sum that is full stays so: no larger number can be kept, and
/// the batch must not fail for it.
macro_rules! adding {
    () => {
        concat!(
            "ON CONFLICT(project_id, session_id) DO UPDATE SET ",
            adding!("input_tokens"),
            ", ",
            adding!("output_tokens"),
            ", ",
            adding!("cached_input_tokens"),
            ", ",
            adding!("reasoning_tokens"),
            ", ",
            adding!("total_tokens"),
            ", ",
            adding!("cost_micros")
        )
    };
    ($number:literal) => {
        concat!(
            $number,
            " = CASE WHEN usage_total.",
            $number,
            " > 9223372036854775807 - excluded.",
            $number,
            " THEN 9223372036854775807 ELSE usage_total.",
            $number,
            " + excluded.",
            $number,
            " END"
        )
    };
}
pub(crate) use adding;

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
