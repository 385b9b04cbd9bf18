//! Summing up what jobs use of models.

use rusqlite::Connection;
use rusqlite::params;

use super::failure::Failure;
use crate::domain::job::{Spec, Usage};

/// Adds to the sums of a job's project and session, as far as they are there. A sum that is full stays
/// so: a larger number cannot be kept, and the batch must not fail for it.
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

macro_rules! sum {
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

const ADD: &str = concat!(
    "INSERT INTO usage_total
       SELECT project_id, '', ?4, ?5, ?6, ?7, ?8, ?9 FROM project
         WHERE project_id = ?1 AND tenant = ?3
       UNION ALL SELECT project_id, session_id, ?4, ?5, ?6, ?7, ?8, ?9 FROM session
         WHERE session_id = ?2 AND project_id = ?1 AND tenant = ?3
     ON CONFLICT(project_id, session_id) DO UPDATE SET ",
    sum!("input_tokens"),
    ", ",
    sum!("output_tokens"),
    ", ",
    sum!("cached_input_tokens"),
    ", ",
    sum!("reasoning_tokens"),
    ", ",
    sum!("total_tokens"),
    ", ",
    sum!("cost_micros")
);
