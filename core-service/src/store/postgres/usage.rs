//! Summing up what jobs use of models: all that a batch has counted, in one statement.

use std::collections::BTreeMap;

use super::connection::Call;
use crate::domain::job::{Spec, Usage};
use crate::store::sql::usage::{ALL, adding};

/// What a batch has counted, by project and session; in the order in which rows are locked.
#[derive(Debug, Default)]
pub(super) struct Used(BTreeMap<Key, [i64; 6]>);

/// Whose sum it is. The tenant is the job's: a project of another one counts nothing.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    project_id: String,
    session_id: String,
    tenant: String,
}

impl Used {
    pub(super) fn add(&mut self, spec: &Spec, more: &Usage) {
        let Some(project_id) = &spec.project else { return };
        for session_id in [Some(ALL), spec.session.as_deref()].into_iter().flatten() {
            let key = Key {
                project_id: project_id.clone(),
                session_id: session_id.to_owned(),
                tenant: spec.tenant.clone(),
            };
            let sums = self.0.entry(key).or_default();
            for (sum, number) in sums.iter_mut().zip(more.numbers()) {
                *sum = sum.saturating_add(number);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The statement that adds all of it, if there is any.
    pub(super) fn call(self) -> Option<Call> {
        if self.is_empty() {
            return None;
        }
        let (mut projects, mut sessions, mut tenants) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns: [Vec<i64>; 6] = Default::default();
        for (Key { project_id, session_id, tenant }, numbers) in self.0 {
            projects.push(project_id);
            sessions.push(session_id);
            tenants.push(tenant);
            for (column, number) in columns.iter_mut().zip(numbers) {
                column.push(number);
            }
        }
        let call = Call::new(ADD).with(projects).with(sessions).with(tenants);
        Some(columns.into_iter().fold(call, Call::with))
    }
}

/// Projects and sessions are held while their sums are written: whoever erases one takes its row first,
/// then its sum, so that no sum comes back after it. A session that is being erased counts nothing and is not
/// waited for: whoever erases several takes them in another order.
const ADD: &str = concat!(
    "WITH used AS (SELECT * FROM unnest(?1::text[], ?2::text[], ?3::text[], ?4::bigint[],
         ?5::bigint[], ?6::bigint[], ?7::bigint[], ?8::bigint[], ?9::bigint[])
       AS w(project_id, session_id, tenant, input, output, cached, reasoning, total, cost)),
     held_project AS (SELECT project_id, tenant FROM project
       WHERE project_id = ANY(?1::text[]) ORDER BY project_id FOR KEY SHARE),
     held_session AS (SELECT session_id, project_id FROM session
       WHERE session_id = ANY(?2::text[]) ORDER BY session_id FOR KEY SHARE SKIP LOCKED)
     INSERT INTO usage_total
     SELECT u.project_id, u.session_id, u.input, u.output, u.cached, u.reasoning, u.total, u.cost
     FROM used u JOIN held_project p ON p.project_id = u.project_id AND p.tenant = u.tenant
     WHERE u.session_id = '' OR EXISTS(SELECT 1 FROM held_session s
       WHERE s.session_id = u.session_id AND s.project_id = u.project_id)
     ORDER BY u.project_id, u.session_id ",
    adding!()
);
