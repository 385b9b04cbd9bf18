//! Room under the limits of kinds: jobs with workers are counted, and only where their kind is
//! limited.

use std::collections::HashMap;

use super::{Answer, Sql, values};
use crate::domain::job::Limits;

/// What the limits leave, as one transaction sees it and as far as it was asked for.
#[derive(Debug)]
pub(crate) struct Room<'store, S> {
    sql: &'store S,
    limits: &'store Limits,
    /// By kind; and by kind and fairness key.
    left: HashMap<(String, Option<String>), u32>,
}

impl<'store, S: Sql> Room<'store, S> {
    pub(crate) fn new(sql: &'store S, limits: &'store Limits) -> Room<'store, S> {
        Room { sql, limits, left: HashMap::new() }
    }

    /// Whether one more job may go to a worker.
    pub(crate) fn has(&mut self, kind: &str, key: &str) -> Answer<bool, S> {
        Ok(self.has_any(kind)? && self.left(kind, Some(key))?.is_none_or(|left| *left > 0))
    }

    /// Whether one more job of the kind may, whatever its key.
    pub(crate) fn has_any(&mut self, kind: &str) -> Answer<bool, S> {
        Ok(self.left(kind, None)?.is_none_or(|left| *left > 0))
    }

    /// Counts a job as if it were with a worker.
    pub(crate) fn take(&mut self, kind: &str, key: &str) -> Answer<(), S> {
        for key in [None, Some(key)] {
            if let Some(left) = self.left(kind, key)? {
                *left = left.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Forgets what was taken.
    pub(crate) fn recount(&mut self) {
        self.left.clear();
    }

    /// What a limit leaves; none if there is no limit.
    fn left(&mut self, kind: &str, key: Option<&str>) -> Answer<Option<&mut u32>, S> {
        let limit = self.limits.of(kind).unwrap_or_default();
        let Some(most) = (if key.is_some() { limit.each } else { limit.all }) else {
            return Ok(None);
        };
        let name = (kind.to_owned(), key.map(str::to_owned));
        if !self.left.contains_key(&name) {
            let leased = leased(self.sql, kind, key, most)?;
            self.left.insert(name.clone(), most.saturating_sub(leased));
        }
        Ok(self.left.get_mut(&name))
    }
}

/// Jobs with workers, counted up to `most`. `job_leased` has their rows and no others.
fn leased<S: Sql>(sql: &S, kind: &str, key: Option<&str>, most: u32) -> Answer<u32, S> {
    let count = match key {
        None => sql.number(
            "SELECT count(*) FROM (SELECT 1 FROM job
             WHERE is_free = 0 AND state BETWEEN 2 AND 4 AND kind = ?1 LIMIT ?2) leased",
            values![kind, most],
        )?,
        Some(key) => sql.number(
            "SELECT count(*) FROM (SELECT 1 FROM job
             WHERE is_free = 0 AND state BETWEEN 2 AND 4 AND kind = ?1
             AND fairness_key = ?2 LIMIT ?3) leased",
            values![kind, key, most],
        )?,
    };
    Ok(u32::try_from(count).unwrap_or(most))
}
