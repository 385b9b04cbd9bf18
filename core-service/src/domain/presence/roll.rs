//! The roll: what edges say of who is in which session or room, until it is told. A user who comes is
//! told at once, one who goes only after a grace, so that a quick reconnect is no event. An edge that
//! falls silent takes its users with it; one that comes from another core is taken over with whom it had
//! there, so that nobody is told twice.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::limits::{PRESENCE_GRACE, PRESENCE_LEASE, ROOM_PRESENCE_INTERVAL};
use crate::domain::presence::Announcement;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

/// Who comes waits so long for others: they share a commit.
const GATHERING: Duration = Duration::from_millis(20);
/// Users that one commit tells of: what the writer does in some milliseconds. The rest follows at once.
const TOLD_MAX: usize = 200;
/// How often the store is told that an edge lives: with each beat, and not with what comes between.
const NOTED_EVERY: Duration = Duration::from_secs(4);
/// After a commit that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Users and edges in all topics together: some 200 bytes each.
pub const ENTRIES_MAX: usize = 500_000;

/// One user's connections through one edge in one topic.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// As the log has it.
    told: u32,
    /// As the edge has it.
    wanted: u32,
    /// When the difference is to be told.
    due: Option<Time>,
}

/// An edge and a user.
type Place = (String, String);

/// Who is in one topic.
#[derive(Debug, Default)]
struct Attended {
    users: BTreeMap<Place, Entry>,
    /// Nothing is told before.
    rests_until: Option<Time>,
}

impl Attended {
    /// When the next news are to be told.
    fn due(&self) -> Option<Time> {
        self.users.values().filter_map(|entry| entry.due).min().map(|due| self.rested(due))
    }

    /// Whoever comes through one edge and is going through another is told as one: no news.
    fn hasten<'a>(&mut self, user_id: &str, edges: impl Iterator<Item = &'a String>, by: Time) {
        for edge_id in edges {
            let place = (edge_id.clone(), user_id.to_owned());
            if let Some(entry) =
                self.users.get_mut(&place).filter(|entry| entry.wanted < entry.told)
            {
                entry.due = entry.due.map(|due| due.min(by));
            }
        }
    }

    /// This moment, or the end of the rest if that is later.
    fn rested(&self, at: Time) -> Time {
        self.rests_until.map_or(at, |rest| rest.max(at))
    }
}

/// When an edge was heard of.
#[derive(Debug, Clone, Copy)]
struct Beat {
    /// Silent from then on.
    until: Time,
    /// When the store was last told that it lives.
    noted: Time,
}

/// The roll of all sessions and rooms.
#[derive(Debug, Default)]
pub struct Roll {
    edges: BTreeMap<String, Beat>,
    topics: BTreeMap<Topic, Attended>,
    /// Topics with something to tell, and when.
    due: BTreeMap<Topic, Time>,
    entries: usize,
}

impl Roll {
    /// An edge comes with what the log has of it. What it said elsewhere and was not told is lost, so
    /// it says again who is there; whoever it does not name by then has gone.
    pub fn adopt(&mut self, edge_id: &str, told: Vec<(Topic, Announcement)>, by: Time) {
        self.drop_edge(edge_id);
        for (topic, Announcement { edge_id, user_id, connections }) in told {
            let entry = Entry { told: connections, wanted: 0, due: Some(by) };
            let attended = self.topics.entry(topic.clone()).or_default();
            self.entries += usize::from(attended.users.insert((edge_id, user_id), entry).is_none());
            let due = attended.rested(by);
            let known = self.due.entry(topic).or_insert(due);
            *known = due.min(*known);
        }
    }

    /// Whether an edge is known: it was heard of within its lease.
    #[must_use]
    pub fn knows(&self, edge_id: &str) -> bool {
        self.edges.contains_key(edge_id)
    }

    /// Whether the store is to be told that an edge lives.
    #[must_use]
    pub fn is_to_be_noted(&self, edge_id: &str, now: Time) -> bool {
        self.edges.get(edge_id).is_none_or(|beat| now >= beat.noted + NOTED_EVERY)
    }

    /// What was heard of an edge here is worth nothing any more.
    fn drop_edge(&mut self, edge_id: &str) {
        self.edges.remove(edge_id);
        let topics: Vec<Topic> = self.topics.keys().cloned().collect();
        for topic in topics {
            let Some(attended) = self.topics.get_mut(&topic) else { continue };
            let before = attended.users.len();
            attended.users.retain(|(edge, _), _| edge != edge_id);
            let dropped = before - attended.users.len();
            self.entries -= dropped;
            if dropped > 0 {
                self.settle(&topic);
            }
        }
    }

    /// Whether no more users fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries >= ENTRIES_MAX
    }

    /// An edge lives, which the store was told last at the moment `noted`, if it was ever before.
    pub fn beat(&mut self, edge_id: &str, noted: Option<Time>, now: Time) {
        let until = now + PRESENCE_LEASE;
        let known = self.edges.get(edge_id).map(|beat| beat.noted);
        let noted = noted.or(known).unwrap_or(Time(0));
        self.edges.insert(edge_id.to_owned(), Beat { until, noted });
    }

    /// A user is in a topic on so many connections of an edge.
    pub fn announce(&mut self, topic: &Topic, announced: Announcement, now: Time) {
        let Announcement { edge_id, user_id, connections: wanted } = announced;
        let attended = self.topics.entry(topic.clone()).or_default();
        let place = (edge_id, user_id);
        let known = attended.users.remove(&place);
        self.entries -= usize::from(known.is_some());
        let before = known.unwrap_or(Entry { told: 0, wanted: 0, due: None });
        if wanted > before.told {
            attended.hasten(&place.1, self.edges.keys(), now + GATHERING);
        }
        let wait = if wanted > before.told { GATHERING } else { PRESENCE_GRACE };
        // Who says the same again does not put off what is due.
        let due = before.due.filter(|due| wanted == before.wanted && *due < now + wait);
        let due = due.unwrap_or(now + wait);
        let due = (wanted != before.told).then_some(due);
        if before.told > 0 || wanted > 0 {
            attended.users.insert(place, Entry { wanted, due, ..before });
            self.entries += 1;
        }
        if attended.users.is_empty() {
            return self.settle(topic);
        }
        // Looking at one user costs the same however many are there: settling would not.
        if let Some(due) = due.map(|due| attended.rested(due)) {
            let known = self.due.entry(topic.clone()).or_insert(due);
            *known = due.min(*known);
        }
    }

    /// What is due: by topic, what to commit.
    #[must_use]
    pub fn due(&mut self, now: Time) -> Vec<(Topic, Vec<Announcement>)> {
        self.expire(now);
        let due = self.due.iter().filter(|(_, at)| **at <= now);
        let due: Vec<Topic> = due.map(|(topic, _)| topic.clone()).collect();
        let told = due.into_iter().filter_map(|topic| {
            let told = self.ripe(&topic, now);
            if told.is_empty() {
                self.settle(&topic);
                return None;
            }
            Some((topic, told))
        });
        told.collect()
    }

    fn ripe(&self, topic: &Topic, now: Time) -> Vec<Announcement> {
        let Some(attended) = self.topics.get(topic) else { return Vec::new() };
        if attended.rested(now) > now {
            return Vec::new();
        }
        let ripe =
            attended.users.iter().filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
        let told = ripe.take(TOLD_MAX).map(|((edge_id, user_id), entry)| Announcement {
            edge_id: edge_id.clone(),
            user_id: user_id.clone(),
            connections: entry.wanted,
        });
        told.collect()
    }

    /// When to look again, if anything is to come.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        let silences = self.edges.values().map(|beat| beat.until);
        self.due.values().copied().chain(silences).min()
    }

    /// What was due is in the log.
    pub fn told(&mut self, topic: &Topic, told: Vec<Announcement>, now: Time) {
        let attended = self.topics.entry(topic.clone()).or_default();
        // The rest of a crowd follows at once.
        if topic.kind() == Kind::Room && told.len() < TOLD_MAX {
            attended.rests_until = Some(now + ROOM_PRESENCE_INTERVAL);
        }
        for Announcement { edge_id, user_id, connections } in told {
            // Who went while it was told is no longer here: that is the next news.
            let entry = attended.users.entry((edge_id, user_id)).or_insert_with(|| {
                self.entries += 1;
                Entry { told: 0, wanted: 0, due: None }
            });
            entry.told = connections;
            let is_due = entry.wanted != connections;
            entry.due = entry.due.filter(|due| is_due && *due > now).or(is_due.then_some(now));
        }
        self.settle(topic);
    }

    /// What was due could not be told.
    pub fn failed(&mut self, topic: &Topic, now: Time) {
        let Some(attended) = self.topics.get_mut(topic) else { return };
        attended.rests_until = Some(now + RETRY);
        self.settle(topic);
    }

    /// The topic is gone.
    pub fn forget(&mut self, topic: &Topic) {
        self.entries -= self.topics.remove(topic).map_or(0, |attended| attended.users.len());
        self.due.remove(topic);
    }

    /// Users of edges that are silent for too long are gone.
    fn expire(&mut self, now: Time) {
        let silent: Vec<_> = self
            .edges
            .iter()
            .filter(|(_, beat)| beat.until <= now)
            .map(|(edge, _)| edge.clone())
            .collect();
        if silent.is_empty() {
            return;
        }
        self.edges.retain(|edge, _| !silent.contains(edge));
        let topics: Vec<Topic> = self.topics.keys().cloned().collect();
        for topic in topics {
            let users = self.topics.get_mut(&topic).map(|attended| &mut attended.users);
            for ((edge, _), entry) in users.into_iter().flatten() {
                if silent.contains(edge) {
                    (entry.wanted, entry.due) = (0, (entry.told != 0).then_some(now));
                }
            }
            self.settle(&topic);
        }
    }

    /// Forgets who is gone, and notes when the topic's next news are due.
    fn settle(&mut self, topic: &Topic) {
        let Some(attended) = self.topics.get_mut(topic) else { return };
        let before = attended.users.len();
        attended.users.retain(|_, entry| entry.told != 0 || entry.wanted != 0);
        self.entries -= before - attended.users.len();
        match attended.due() {
            Some(due) => self.due.insert(topic.clone(), due),
            None => self.due.remove(topic),
        };
        if attended.users.is_empty() {
            self.topics.remove(topic);
        }
    }
}

#[cfg(test)]
mod tests;
