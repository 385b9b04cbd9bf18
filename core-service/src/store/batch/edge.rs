//! Which core speaks for an edge.

use super::{Batch, Rows, Step};
use crate::domain::limits::PRESENCE_LEASE;
use crate::domain::presence::Announcement;
use crate::store::edge::{Attend, Held};
use crate::store::session::{Outcome, Refusal};
use crate::store::sql::edge;

impl<R: Rows> Batch<'_, R> {
    /// An edge lives, and speaks through this core from here on.
    pub(super) fn attend(&mut self, attend: Attend) -> Step<Outcome, R> {
        let sql = self.rows.sql();
        if edge::get(sql, &attend.edge_id)?.is_some_and(|held| held.is_ahead_of(&attend)) {
            return Err(Refusal::Overtaken(attend.edge_id).into());
        }
        let Attend { edge_id, core_id, number, parts } = attend;
        edge::put(sql, &edge_id, &Held { core_id, number, expires_at: self.now + PRESENCE_LEASE })?;
        for (part, doc) in &parts {
            edge::put_part(sql, &edge_id, *part, doc)?;
        }
        Ok(Outcome::Done)
    }

    /// A core takes over an edge that is silent. One through which nobody was anywhere is forgotten.
    pub(super) fn reap(&mut self, edge_id: String, core_id: String) -> Step<Outcome, R> {
        let sql = self.rows.sql();
        let held = edge::get(sql, &edge_id)?.filter(|held| held.expires_at <= self.now);
        let Some(held) = held else { return Err(Refusal::Overtaken(edge_id).into()) };
        edge::clear_parts(sql, &edge_id)?;
        if edge::is_attended(sql, &edge_id)? {
            let expires_at = self.now + PRESENCE_LEASE;
            edge::put(sql, &edge_id, &Held { core_id, expires_at, ..held })?;
        } else {
            edge::forget(sql, &edge_id)?;
        }
        Ok(Outcome::Done)
    }

    /// Those announcements that this core may make: of the edges that it speaks for.
    pub(super) fn spoken(
        &mut self,
        announced: Vec<Announcement>,
        core_id: &str,
    ) -> Step<Vec<Announcement>, R> {
        let mut spoken = Vec::with_capacity(announced.len());
        let mut last: Option<(String, bool)> = None;
        for one in announced {
            let known = last.as_ref().filter(|(edge_id, _)| *edge_id == one.edge_id);
            let is_ours = match known {
                Some((_, is_ours)) => *is_ours,
                None => {
                    let held = edge::get(self.rows.sql(), &one.edge_id)?;
                    let is_ours = held.is_some_and(|held| held.core_id == core_id);
                    last = Some((one.edge_id.clone(), is_ours));
                    is_ours
                }
            };
            if is_ours {
                spoken.push(one);
            }
        }
        Ok(spoken)
    }
}
