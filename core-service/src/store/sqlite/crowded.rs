//! Topics that hold more than their retention allows. The writer notes those that it makes so. Those that
//! were so before it began (a retention may have been made smaller) are found by looking at all topics,
//! some with each cleaning: with millions, all at once would hold up the commits, or the start.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::failure::Failure;
use super::row;
use crate::domain::retention::Retentions;
use crate::domain::topic::Topic;

/// Topics that are noted: some 10 MB. What finds no room is found by looking again.
pub(super) const NOTED_MAX: usize = 65_536;
/// Topics that one cleaning looks at: a millisecond.
pub(super) const LOOKED_AT_MAX: u64 = 1024;

/// Those that are known.
#[derive(Debug, Default)]
pub(super) struct Crowded {
    noted: HashSet<Topic>,
    /// Relieved in a transaction that may yet be rolled back.
    relieved: Vec<Topic>,
    /// The last row that was looked at; none once all were.
    looked_at: Option<i64>,
}

impl Crowded {
    /// Nothing is known yet.
    pub(super) fn new() -> Crowded {
        Crowded { looked_at: Some(0), ..Crowded::default() }
    }

    /// Notes a topic that holds too much.
    pub(super) fn note(&mut self, topic: &Topic) {
        if self.noted.contains(topic) {
            return;
        }
        if self.noted.len() < NOTED_MAX {
            self.noted.insert(topic.clone());
        } else {
            self.looked_at = Some(0);
        }
    }

    /// One of them.
    pub(super) fn any(&self) -> Option<Topic> {
        self.noted.iter().next().cloned()
    }

    /// A topic holds no more than it may, or nothing can be done about it.
    pub(super) fn relieve(&mut self, topic: &Topic) {
        self.relieved.extend(self.noted.take(topic));
    }

    /// What was done is durable.
    pub(super) fn commit(&mut self) {
        self.relieved.clear();
    }

    /// What was done is undone.
    pub(super) fn roll_back(&mut self) {
        self.noted.extend(self.relieved.drain(..));
    }

    /// Looks at the next topics, if any are left; answers at how many. The heads must be written.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        retentions: &Retentions,
    ) -> Result<u64, Failure> {
        let Some(after) = self.looked_at.filter(|_| self.noted.len() < NOTED_MAX) else {
            return Ok(0);
        };
        let mut statement = connection.prepare_cached(
            "SELECT kind, tenant, name, head - floor, bytes, id
             FROM topic CROSS JOIN topic_head ON topic = id WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut found = statement.query(params![after, row::signed(LOOKED_AT_MAX)])?;
        let (mut count, mut last) = (0, after);
        while self.noted.len() < NOTED_MAX
            && let Some(one) = found.next()?
        {
            (count, last) = (count + 1, one.get(5)?);
            // What cannot be read is told by whoever needs it.
            if let Ok(Some(topic)) = crowded(one, retentions) {
                self.note(&topic);
            }
        }
        let is_cut = count == LOOKED_AT_MAX || self.noted.len() >= NOTED_MAX;
        self.looked_at = is_cut.then_some(last);
        Ok(count)
    }
}

/// The topic in a row, if it holds too much.
fn crowded(found: &Row<'_>, retentions: &Retentions) -> Result<Option<Topic>, Failure> {
    let topic = row::topic(found, 0)?;
    let (events, bytes) = (row::unsigned(found, 3)?, row::unsigned(found, 4)?);
    Ok(retentions.is_passed(topic.kind(), events, bytes).then_some(topic))
}
