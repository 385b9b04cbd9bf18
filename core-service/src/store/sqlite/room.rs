//! Room under the limits of kinds: jobs with workers are counted, and only where their kind is
//! limited.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::failure::Failure;
use crate::domain::job::Limits;

/// What the limits leave, as one transaction sees it and as far as it was asked for.
#[derive(Debug)]
pub(super) struct Room<'store> {
    connection: &'store Connection,
    limits: &'store Limits,
    /// By kind; and by kind and fairness key.
    left: HashMap<(String, Option<String>), u32>,
}

impl<'store> Room<'store> {
    pub(super) fn new(connection: &'store Connection, limits: &'store Limits) -> Room<'store> {
        Room { connection, limits, left: HashMap::new() }
    }

    /// Whether one more job may go to a worker.
    pub(super) fn has(&mut self, kind: &str, key: &str) -> Result<bool, Failure> {
        Ok(self.has_any(kind)? && self.left(kind, Some(key))?.is_none_or(|left| *left > 0))
    }

    /// Whether one more job of the kind may, whatever its key.
    pub(super) fn has_any(&mut self, kind: &str) -> Result<bool, Failure> {
        Ok(self.left(kind, None)?.is_none_or(|left| *left > 0))
    }

    /// Counts a job as if it were with a worker.
    pub(super) fn take(&mut self, kind: &str, key: &str) -> Result<(), Failure> {
        for key in [None, Some(key)] {
            if let Some(left) = self.left(kind, key)? {
                *left = left.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Forgets what was taken.
    pub(super) fn recount(&mut self) {
        self.left.clear();
    }

    /// What a limit leaves; none if there is no limit.
    fn left(&mut self, kind: &str, key: Option<&str>) -> Result<Option<&mut u32>, Failure> {
        let limit = self.limits.of(kind).unwrap_or_default();
        let Some(most) = (if key.is_some() { limit.each } else { limit.all }) else {
            return Ok(None);
        };
        let name = (kind.to_owned(), key.map(str::to_owned));
        if !self.left.contains_key(&name) {
            let leased = leased(self.connection, kind, key, most)?;
            self.left.insert(name.clone(), most.saturating_sub(leased));
        }
        Ok(self.left.get_mut(&name))
    }
}

/// Jobs with workers, counted up to `most`. `job_leased` has their rows and no others.
fn leased(
    connection: &Connection,
    kind: &str,
    key: Option<&str>,
    most: u32,
) -> Result<u32, Failure> {
    let count = match key {
        None => connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_leased
                 WHERE is_free = 0 AND state BETWEEN 2 AND 4 AND kind = ?1 LIMIT ?2)",
            )?
            .query_row(params![kind, most], |found| found.get(0)),
        Some(key) => connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM job INDEXED BY job_leased
                 WHERE is_free = 0 AND state BETWEEN 2 AND 4 AND kind = ?1
                 AND fairness_key = ?2 LIMIT ?3)",
            )?
            .query_row(params![kind, key, most], |found| found.get(0)),
    };
    Ok(count?)
}
