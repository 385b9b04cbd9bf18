//! Which core speaks for an edge.

use std::collections::BTreeSet;

use super::{Batch, Rows, Step};
use crate::domain::limits::{PRESENCE_LEASE, PRESENCE_UPGRADE};
use crate::domain::presence::Announcement;
use crate::store::edge::{Attend, Held};
use crate::store::session::{Outcome, Refusal};
use crate::store::sql::edge;

impl<R: Rows> Batch<'_, R> {
    /// An edge lives, and speaks through this core from here on.
    pub(super) fn attend(&mut self, attend: Attend) -> Step<Outcome, R> {
        let sql = self.rows.sql();
        let before = edge::get(sql, &attend.edge_id)?;
        if before.as_ref().is_some_and(|held| held.is_ahead_of(&attend)) {
            return Err(Refusal::Overtaken(attend.edge_id).into());
        }
        let Attend { edge_id, core_id, number, parts } = attend;
        edge::put(sql, &edge_id, &Held { core_id, number, expires_at: self.now + PRESENCE_LEASE })?;
        edge::put_parts(sql, &edge_id, &parts)?;
        Ok(Outcome::Attended(before))
    }

    /// A core takes over an edge that is silent. One through which nobody was anywhere is forgotten, and
    /// one that was never noted may live at a core of the version before: it gets its time.
    pub(super) fn reap(&mut self, edge_id: String, core_id: String) -> Step<Outcome, R> {
        let sql = self.rows.sql();
        let held = match edge::get(sql, &edge_id)? {
            Some(held) if held.expires_at <= self.now => held,
            None if edge::is_attended(sql, &edge_id)? => {
                let expires_at = self.now + PRESENCE_UPGRADE;
                edge::put(sql, &edge_id, &Held { core_id: String::new(), number: 0, expires_at })?;
                return Ok(Outcome::Attended(None));
            }
            Some(_) | None => return Err(Refusal::Overtaken(edge_id).into()),
        };
        edge::clear_parts(sql, &edge_id)?;
        if edge::is_attended(sql, &edge_id)? {
            let expires_at = self.now + PRESENCE_LEASE;
            edge::put(sql, &edge_id, &Held { core_id, expires_at, ..held })?;
        } else {
            edge::forget(sql, &edge_id)?;
        }
        Ok(Outcome::Done)
    }

    /// Those announcements that this core may make, of the edges that it speaks for; and the other edges.
    pub(super) fn spoken(
        &mut self,
        mut announced: Vec<Announcement>,
        core_id: &str,
    ) -> Step<(Vec<Announcement>, Vec<String>), R> {
        let edges: BTreeSet<String> = announced.iter().map(|one| one.edge_id.clone()).collect();
        let ours = edge::held_by(self.rows.sql(), core_id, &edges)?;
        announced.retain(|one| ours.contains(&one.edge_id));
        Ok((announced, edges.difference(&ours).cloned().collect()))
    }
}
