//! A job as an engine holds it, and what its rows are found by.

use std::sync::Arc;

use crate::domain::job::{Record, State};

/// A job in a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its topic's row, and its own.
    pub(crate) topic: i64,
    pub(crate) record: Arc<Record>,
}

/// Whether a worker may have it.
pub(crate) fn is_free(record: &Record) -> bool {
    record.job.state == State::Queued && record.custody.lease.is_none()
}

/// Ends a tenant's part of a fairness key; the character after it ends the range of the tenant's keys.
pub(crate) const FAIRNESS_TENANT_END: char = '\u{1f}';

/// Jobs with the same key share a worker's turn: those of a project, else those of an owner.
pub(crate) fn fairness_key(record: &Record) -> String {
    let spec = &record.job.spec;
    let (kind, name) = match &spec.project {
        Some(project) => ("project", project),
        None => ("user", &spec.owner),
    };
    format!("{}{FAIRNESS_TENANT_END}{kind}:{name}", spec.tenant)
}
