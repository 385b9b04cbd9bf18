//! What a job uses of a model counts for its session and its project, in the commit that tells of it.

use super::{Batch, Rows, Step};
use crate::domain::job::{Job, Usage};
use crate::store::sql::{project, usage};

impl<R: Rows> Batch<'_, R> {
    /// Counts what a job has used since. A project that is gone counts nothing.
    pub(super) fn count_usage(&mut self, before: &Usage, job: &Job) -> Step<(), R> {
        let Some(project_id) = &job.spec.project else { return Ok(()) };
        let sql = self.rows.sql();
        let found = project::get(sql, project_id)?;
        if found.is_none_or(|project| project.tenant != job.spec.tenant) {
            return Ok(());
        }
        let more = job.usage.since(before);
        usage::add(sql, project_id, usage::ALL, &more)?;
        if let Some(session_id) = &job.spec.session {
            usage::add(sql, project_id, session_id, &more)?;
        }
        Ok(())
    }
}
