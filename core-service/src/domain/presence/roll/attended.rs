//! Who is in one topic: what edges say, and as far as it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::limits::PRESENCE_GRACE;
use crate::domain::presence::Announcement;
use crate::domain::time::Time;

/// Who comes waits so long for others: they share a commit.
pub(super) const GATHERING: Duration = Duration::from_millis(20);
/// Users that one commit tells of: what the writer does in some milliseconds. The rest follows at once.
pub(super) const TOLD_MAX: usize = 200;

/// One user's connections through one edge.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// As the log has it.
    told: u32,
    /// As the log may have it instead: it is being told, or nobody knows what came of it.
    tried: Option<u32>,
    /// As the edge has it.
    wanted: u32,
    /// When the difference is to be told.
    due: Option<Time>,
}

impl Entry {
    fn is_told(&self) -> bool {
        self.tried.is_none() && self.told == self.wanted
    }

    fn is_gone(&self) -> bool {
        self.is_told() && self.wanted == 0
    }
}

/// Who is in one topic, by edge and user.
#[derive(Debug, Default)]
pub(super) struct Attended {
    edges: BTreeMap<String, BTreeMap<String, Entry>>,
    /// Nothing is told before.
    rests_until: Option<Time>,
}

impl Attended {
    pub(super) fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// How many, counted once for each edge.
    pub(super) fn users(&self) -> usize {
        self.edges.values().map(BTreeMap::len).sum()
    }

    /// Through which edges anybody is here.
    pub(super) fn edges(&self) -> impl Iterator<Item = &String> {
        self.edges.keys()
    }

    /// Whether an edge has anybody here.
    pub(super) fn has(&self, edge_id: &str) -> bool {
        self.edges.contains_key(edge_id)
    }

    /// A user of an edge that has until then to say who is there: whoever it does not name has gone.
    pub(super) fn adopt(&mut self, told: Announcement, by: Time) {
        let entry = Entry { told: told.connections, due: Some(by), ..Entry::default() };
        self.edges.entry(told.edge_id).or_default().insert(told.user_id, entry);
    }

    /// Forgets an edge.
    pub(super) fn leave(&mut self, edge_id: &str) {
        self.edges.remove(edge_id);
    }

    /// All of an edge have gone.
    pub(super) fn silence(&mut self, edge_id: &str, now: Time) {
        for entry in self.edges.get_mut(edge_id).into_iter().flat_map(BTreeMap::values_mut) {
            entry.wanted = 0;
            entry.due = (!entry.is_told()).then_some(now);
        }
    }

    /// A user is here on so many connections. Answers when that is to be told, if it is.
    pub(super) fn announce(&mut self, one: Announcement, now: Time) -> Option<Time> {
        let Announcement { edge_id, user_id, connections: wanted } = one;
        let known = self.edges.get(&edge_id).and_then(|users| users.get(&user_id));
        let known = known.copied().unwrap_or_default();
        let is_more = wanted > known.told.max(known.tried.unwrap_or(0));
        if is_more {
            self.hasten(&user_id, now + GATHERING);
        }
        let wait = if is_more { GATHERING } else { PRESENCE_GRACE };
        // Who says the same again does not put off what is due.
        let due = known.due.filter(|due| wanted == known.wanted && *due < now + wait);
        let mut entry = Entry { wanted, ..known };
        entry.due = (!entry.is_told()).then_some(due.unwrap_or(now + wait));
        let users = self.edges.entry(edge_id.clone()).or_default();
        users.insert(user_id.clone(), entry);
        if entry.is_gone() {
            users.remove(&user_id);
        }
        if users.is_empty() {
            self.edges.remove(&edge_id);
        }
        entry.due.map(|due| self.rested(due))
    }

    /// Whoever comes through one edge and is going through another is told as one: no news.
    fn hasten(&mut self, user_id: &str, by: Time) {
        let elsewhere = self.edges.values_mut().filter_map(|users| users.get_mut(user_id));
        for entry in elsewhere.filter(|entry| entry.wanted < entry.told) {
            entry.due = entry.due.map(|due| due.min(by));
        }
    }

    /// What is due, on its way from here on.
    pub(super) fn ripe(&mut self, now: Time) -> Vec<Announcement> {
        if self.rested(now) > now {
            return Vec::new();
        }
        let all = self.edges.iter_mut().flat_map(|(edge_id, users)| {
            users.iter_mut().map(move |(user_id, entry)| (edge_id, user_id, entry))
        });
        let ripe = all.filter(|(.., entry)| entry.due.is_some_and(|due| due <= now));
        let told = ripe.take(TOLD_MAX).map(|(edge_id, user_id, entry)| {
            entry.tried = Some(entry.wanted);
            let (edge_id, user_id) = (edge_id.clone(), user_id.clone());
            Announcement { edge_id, user_id, connections: entry.wanted }
        });
        told.collect()
    }

    /// What was on its way is in the log. An entry that has come from another core since is not the one
    /// that it was taken from, and the log may have something else of it: it is told again. One that is not
    /// there has until `by` to be named by its edge.
    pub(super) fn told(&mut self, one: Announcement, by: Time, now: Time) {
        self.settle(one, (by, now), |entry, connections| match entry.tried.take() {
            Some(_) => entry.told = connections,
            None => entry.tried = Some(connections),
        });
    }

    /// Nobody knows whether what was on its way is in the log.
    pub(super) fn doubted(&mut self, one: Announcement, by: Time, now: Time) {
        self.settle(one, (by, now), |entry, connections| {
            entry.tried.get_or_insert(connections);
        });
    }

    fn settle(
        &mut self,
        one: Announcement,
        (by, now): (Time, Time),
        note: impl FnOnce(&mut Entry, u32),
    ) {
        let Announcement { edge_id, user_id, connections } = one;
        let users = self.edges.entry(edge_id).or_default();
        let unnamed = Entry { due: Some(by), ..Entry::default() };
        let entry = users.entry(user_id).or_insert(unnamed);
        note(entry, connections);
        let is_due = !entry.is_told();
        entry.due = entry.due.filter(|due| is_due && *due > now).or(is_due.then_some(now));
    }

    /// Nothing is told before.
    pub(super) fn rest(&mut self, until: Time) {
        self.rests_until = Some(until);
    }

    /// Forgets who is gone and told of; answers the edges that have nobody left here.
    pub(super) fn sweep(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        self.edges.retain(|edge_id, users| {
            users.retain(|_, entry| !entry.is_gone());
            if users.is_empty() {
                left.push(edge_id.clone());
            }
            !users.is_empty()
        });
        left
    }

    /// When the next news are to be told.
    pub(super) fn due(&self) -> Option<Time> {
        let entries = self.edges.values().flat_map(BTreeMap::values);
        entries.filter_map(|entry| entry.due).min().map(|due| self.rested(due))
    }

    /// This moment, or the end of the rest if that is later.
    pub(super) fn rested(&self, at: Time) -> Time {
        self.rests_until.map_or(at, |rest| rest.max(at))
    }
}
