//! The roll: what edges say of who is in which session or room, until it is told. A user who comes is
//! told at once, one who goes only after a grace, so that a quick reconnect is no event. An edge that
//! falls silent takes its users with it; one that comes from another core is taken over with whom it had
//! there, so that nobody is told twice.
//!
//! The roll is right about an edge only as long as this core alone speaks for it. The store knows who
//! does, and which of the edge's words was noted last: where that is not what the roll left there, what
//! the roll has of the edge is worth nothing, and the edge says again who is there. The same holds for
//! what was on its way to the store meanwhile: it is told again.

mod attended;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::attended::{Attended, TOLD_MAX};
use crate::domain::limits::{PRESENCE_LEASE, ROOM_PRESENCE_INTERVAL};
use crate::domain::presence::Announcement;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

/// How often the store is told that an edge lives: with each beat, and not with what comes between.
const NOTED_EVERY: Duration = Duration::from_secs(4);
/// After a commit that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Users and edges in all topics together: some 200 bytes each.
pub const ENTRIES_MAX: usize = 500_000;

/// A word of an edge that the store was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Time,
}

/// What is known of an edge that speaks through this core.
#[derive(Debug, Clone, Copy)]
struct Heard {
    /// Silent from then on.
    until: Time,
    /// The number of the word with which it came.
    since: u64,
    /// The number of its last word.
    number: u64,
    noted: Noted,
}

/// The roll of all sessions and rooms.
#[derive(Debug, Default)]
pub struct Roll {
    edges: BTreeMap<String, Heard>,
    topics: BTreeMap<Topic, Attended>,
    /// Where each edge has anybody: one that moves costs as much as it had.
    places: BTreeMap<String, BTreeSet<Topic>>,
    /// Topics with something to tell, and when.
    due: BTreeMap<Topic, Time>,
    entries: usize,
}

impl Roll {
    /// Whether an edge is known: it was heard of within its lease.
    #[must_use]
    pub fn knows(&self, edge_id: &str) -> bool {
        self.edges.contains_key(edge_id)
    }

    /// The number of the word with which an edge came that is known. Until the edge names it, it may not
    /// have heard that it is to say again who is there.
    #[must_use]
    pub fn since(&self, edge_id: &str) -> Option<u64> {
        self.edges.get(edge_id).map(|heard| heard.since)
    }

    /// Whether the store is to be told that an edge lives.
    #[must_use]
    pub fn is_to_be_noted(&self, edge_id: &str, now: Time) -> bool {
        self.edges.get(edge_id).is_none_or(|heard| now >= heard.noted.at + NOTED_EVERY)
    }

    /// Whether the store had an edge as this roll left it: spoken for by this core, which noted its word
    /// of this number last.
    #[must_use]
    pub fn is_as_left(&self, edge_id: &str, number: Option<u64>) -> bool {
        self.edges.get(edge_id).is_some_and(|heard| Some(heard.noted.number) == number)
    }

    /// Whether a later word of an edge has been taken in than the one of this number.
    #[must_use]
    pub fn is_ahead_of(&self, edge_id: &str, number: u64) -> bool {
        // An edge of the version before does not number its words.
        number != 0 && self.edges.get(edge_id).is_some_and(|heard| heard.number > number)
    }

    /// An edge that is known lives.
    pub fn beat(&mut self, edge_id: &str, now: Time) {
        if let Some(heard) = self.edges.get_mut(edge_id) {
            heard.until = now + PRESENCE_LEASE;
        }
    }

    /// A word of an edge is taken in. The store was told of it, or not since the one before.
    pub fn hear(&mut self, edge_id: &str, number: u64, noted: Option<Noted>, now: Time) {
        let until = now + PRESENCE_LEASE;
        let known = self.edges.get(edge_id);
        let since = known.map_or(number, |heard| heard.since);
        let noted = noted.or(known.map(|heard| heard.noted));
        let noted = noted.unwrap_or(Noted { number: 0, at: Time(0) });
        self.edges.insert(edge_id.to_owned(), Heard { until, since, number, noted });
    }

    /// An edge comes with what the log has of it. What it said elsewhere and was not told is lost, so
    /// it says again who is there; whoever it does not name by then has gone.
    pub fn adopt(&mut self, edge_id: &str, told: Vec<(Topic, Announcement)>, by: Time) {
        self.leave(edge_id);
        for (topic, one) in told {
            let due = self.change(&topic, edge_id, |attended| {
                attended.adopt(one, by);
                attended.rested(by)
            });
            self.look_again(topic, due);
        }
    }

    /// What was heard of an edge here is worth nothing any more.
    pub fn leave(&mut self, edge_id: &str) {
        self.edges.remove(edge_id);
        for topic in self.places.get(edge_id).cloned().unwrap_or_default() {
            self.change(&topic, edge_id, |attended| attended.leave(edge_id));
            self.settle(&topic);
        }
    }

    /// Whether no more users fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries >= ENTRIES_MAX
    }

    /// A user is in a topic on so many connections of an edge.
    pub fn announce(&mut self, topic: &Topic, announced: Announcement, now: Time) {
        let edge_id = announced.edge_id.clone();
        let due = self.change(topic, &edge_id, |attended| attended.announce(announced, now));
        if self.topics.get(topic).is_some_and(Attended::is_empty) {
            return self.settle(topic);
        }
        // Looking at one user costs the same however many are there: settling would not.
        if let Some(due) = due {
            self.look_again(topic.clone(), due);
        }
    }

    /// What is due: by topic, what to commit. Each is answered by [`Roll::told`] or [`Roll::failed`]
    /// before the next are asked for.
    #[must_use]
    pub fn due(&mut self, now: Time) -> Vec<(Topic, Vec<Announcement>)> {
        self.expire(now);
        let due = self.due.iter().filter(|(_, at)| **at <= now);
        let due: Vec<Topic> = due.map(|(topic, _)| topic.clone()).collect();
        let told = due.into_iter().filter_map(|topic| {
            let told = self.topics.get_mut(&topic).map(|attended| attended.ripe(now));
            let told = told.unwrap_or_default();
            if told.is_empty() {
                self.settle(&topic);
                return None;
            }
            Some((topic, told))
        });
        told.collect()
    }

    /// When to look again, if anything is to come.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        let silences = self.edges.values().map(|heard| heard.until);
        self.due.values().copied().chain(silences).min()
    }

    /// What was due is in the log, but for that of edges that this core does not speak for: whatever it
    /// has heard of them, another has heard of them since.
    pub fn told(&mut self, topic: &Topic, told: Vec<Announcement>, unspoken: &[String], now: Time) {
        // The rest of a crowd follows at once.
        if topic.kind() == Kind::Room && told.len() < TOLD_MAX {
            self.topics.entry(topic.clone()).or_default().rest(now + ROOM_PRESENCE_INTERVAL);
        }
        for one in told.into_iter().filter(|one| !unspoken.contains(&one.edge_id)) {
            let (edge_id, by) = (one.edge_id.clone(), self.named_by(&one.edge_id, now));
            self.change(topic, &edge_id, |attended| attended.told(one, by, now));
        }
        unspoken.iter().for_each(|edge_id| self.leave(edge_id));
        self.settle(topic);
    }

    /// Nobody knows whether what was due is in the log.
    pub fn failed(&mut self, topic: &Topic, tried: Vec<Announcement>, now: Time) {
        for one in tried {
            let (edge_id, by) = (one.edge_id.clone(), self.named_by(&one.edge_id, now));
            self.change(topic, &edge_id, |attended| {
                attended.doubted(one, by, now);
                attended.rest(now + RETRY);
            });
        }
        self.settle(topic);
    }

    /// Until when an edge has to name whoever was on the way while it came anew. One that has gone names
    /// nobody.
    fn named_by(&self, edge_id: &str, now: Time) -> Time {
        if self.knows(edge_id) { now + PRESENCE_LEASE } else { now }
    }

    /// The topic is gone.
    pub fn forget(&mut self, topic: &Topic) {
        let Some(attended) = self.topics.remove(topic) else { return };
        self.entries -= attended.users();
        self.due.remove(topic);
        attended.edges().for_each(|edge_id| self.unplace(edge_id, topic));
    }

    /// Users of edges that are silent for too long are gone.
    fn expire(&mut self, now: Time) {
        let silent = self.edges.iter().filter(|(_, heard)| heard.until <= now);
        let silent: Vec<String> = silent.map(|(edge_id, _)| edge_id.clone()).collect();
        for edge_id in silent {
            self.edges.remove(&edge_id);
            for topic in self.places.get(&edge_id).cloned().unwrap_or_default() {
                self.change(&topic, &edge_id, |attended| attended.silence(&edge_id, now));
                self.settle(&topic);
            }
        }
    }

    /// Changes who of one edge is in a topic.
    fn change<T>(
        &mut self,
        topic: &Topic,
        edge_id: &str,
        change: impl FnOnce(&mut Attended) -> T,
    ) -> T {
        let attended = self.topics.entry(topic.clone()).or_default();
        let (before, was_here) = (attended.users(), attended.has(edge_id));
        let answer = change(attended);
        let (after, is_here) = (attended.users(), attended.has(edge_id));
        self.entries = self.entries - before + after;
        match (was_here, is_here) {
            (false, true) => {
                self.places.entry(edge_id.to_owned()).or_default().insert(topic.clone());
            }
            (true, false) => self.unplace(edge_id, topic),
            (true, true) | (false, false) => {}
        }
        answer
    }

    fn unplace(&mut self, edge_id: &str, topic: &Topic) {
        let Some(places) = self.places.get_mut(edge_id) else { return };
        places.remove(topic);
        if places.is_empty() {
            self.places.remove(edge_id);
        }
    }

    fn look_again(&mut self, topic: Topic, due: Time) {
        let known = self.due.entry(topic).or_insert(due);
        *known = due.min(*known);
    }

    /// Forgets who is gone, and notes when the topic's next news are due.
    fn settle(&mut self, topic: &Topic) {
        let Some(attended) = self.topics.get_mut(topic) else { return };
        let before = attended.users();
        let left = attended.sweep();
        self.entries = self.entries - before + attended.users();
        match attended.due() {
            Some(due) => self.due.insert(topic.clone(), due),
            None => self.due.remove(topic),
        };
        if attended.is_empty() {
            self.topics.remove(topic);
        }
        left.iter().for_each(|edge_id| self.unplace(edge_id, topic));
    }
}

#[cfg(test)]
mod tests;
