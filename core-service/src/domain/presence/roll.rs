//! The roll: what edges say of who is in which session, until it is told. A user who comes is told at
//! once, one who goes only after a grace, so that a quick reconnect is no event. An edge that falls
//! silent takes its users with it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::limits::{PRESENCE_GRACE, PRESENCE_LEASE};
use crate::domain::session::Announcement;
use crate::domain::time::Time;

/// Who comes waits so long for others: they share a commit.
const GATHERING: Duration = Duration::from_millis(20);
/// Users that one commit tells of: what the writer does in some milliseconds. The rest follows at once.
const TOLD_MAX: usize = 200;
/// After a commit that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Users and edges in sessions, all together: some 200 bytes each.
pub const ENTRIES_MAX: usize = 500_000;

/// One user's connections through one edge in one session.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// As the log has it.
    told: u32,
    /// As the edge has it.
    wanted: u32,
    /// When the difference is to be told.
    due: Option<Time>,
}

type Place = (String, String);

/// The roll of all sessions.
#[derive(Debug, Default)]
pub struct Roll {
    edges: BTreeMap<String, Time>,
    /// By session, then edge and user.
    sessions: BTreeMap<String, BTreeMap<Place, Entry>>,
    /// Sessions with something to tell, and when.
    due: BTreeMap<String, Time>,
    entries: usize,
}

impl Roll {
    /// A roll that begins with what the log has. Every edge has a whole lease to come back.
    #[must_use]
    pub fn begin(known: Vec<(String, Announcement)>, now: Time) -> Roll {
        let mut roll = Roll::default();
        for (session, Announcement { edge_id, user_id, connections }) in known {
            roll.edges.insert(edge_id.clone(), now + PRESENCE_LEASE);
            let entry = Entry { told: connections, wanted: connections, due: None };
            roll.sessions.entry(session).or_default().insert((edge_id, user_id), entry);
            roll.entries += 1;
        }
        roll
    }

    /// Whether no more users fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.entries >= ENTRIES_MAX
    }

    /// An edge lives. Answers whether it was known.
    pub fn beat(&mut self, edge_id: &str, now: Time) -> bool {
        self.edges.insert(edge_id.to_owned(), now + PRESENCE_LEASE).is_some()
    }

    /// A user is in a session on so many connections of an edge.
    pub fn announce(&mut self, session: &str, announced: Announcement, now: Time) {
        let Announcement { edge_id, user_id, connections: wanted } = announced;
        let session_id = session;
        let users = self.sessions.entry(session_id.to_owned()).or_default();
        let place = (edge_id, user_id);
        let known = users.get(&place).copied();
        let before = known.unwrap_or(Entry { told: 0, wanted: 0, due: None });
        if known.is_none() && wanted == 0 {
            return;
        }
        self.entries += usize::from(known.is_none());
        let wait = if wanted > before.told { GATHERING } else { PRESENCE_GRACE };
        // Who says the same again does not put off what is due.
        let due = before.due.filter(|_| wanted == before.wanted).unwrap_or(now + wait);
        let entry = Entry { wanted, due: (wanted != before.told).then_some(due), ..before };
        users.insert(place, entry);
        self.settle(session_id);
    }

    /// What is due: by session, what to commit.
    #[must_use]
    pub fn due(&mut self, now: Time) -> Vec<(String, Vec<Announcement>)> {
        self.expire(now);
        let due = self.due.iter().filter(|(_, at)| **at <= now);
        let told = due.map(|(session, _)| {
            let users = self.sessions.get(session).into_iter().flatten();
            let ripe = users.filter(|(_, entry)| entry.due.is_some_and(|due| due <= now));
            let told = ripe.take(TOLD_MAX).map(|((edge_id, user_id), entry)| Announcement {
                edge_id: edge_id.clone(),
                user_id: user_id.clone(),
                connections: entry.wanted,
            });
            (session.clone(), told.collect())
        });
        told.collect()
    }

    /// When to look again, if anything is to come.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.due.values().chain(self.edges.values()).min().copied()
    }

    /// What was due is in the log.
    pub fn told(&mut self, session: &str, told: Vec<Announcement>, now: Time) {
        let Some(users) = self.sessions.get_mut(session) else { return };
        for Announcement { edge_id, user_id, connections } in told {
            let Some(entry) = users.get_mut(&(edge_id, user_id)) else { continue };
            entry.told = connections;
            let is_due = entry.wanted != connections;
            entry.due = entry.due.filter(|due| is_due && *due > now).or(is_due.then_some(now));
        }
        self.settle(session);
    }

    /// What was due could not be told.
    pub fn failed(&mut self, session: &str, now: Time) {
        for entry in self.sessions.get_mut(session).into_iter().flat_map(BTreeMap::values_mut) {
            entry.due = entry.due.map(|due| due.max(now + RETRY));
        }
        self.settle(session);
    }

    /// The session is gone.
    pub fn forget(&mut self, session: &str) {
        self.entries -= self.sessions.remove(session).map_or(0, |users| users.len());
        self.due.remove(session);
    }

    /// Users of edges that are silent for too long are gone.
    fn expire(&mut self, now: Time) {
        let silent: Vec<_> = self
            .edges
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(edge, _)| edge.clone())
            .collect();
        if silent.is_empty() {
            return;
        }
        self.edges.retain(|edge, _| !silent.contains(edge));
        let sessions: Vec<String> = self.sessions.keys().cloned().collect();
        for session in sessions {
            let users = self.sessions.get_mut(&session).into_iter().flatten();
            for ((edge, _), entry) in users {
                if silent.contains(edge) {
                    (entry.wanted, entry.due) = (0, (entry.told != 0).then_some(now));
                }
            }
            self.settle(&session);
        }
    }

    /// Forgets who is gone, and notes when the session's next news are due.
    fn settle(&mut self, session: &str) {
        let Some(users) = self.sessions.get_mut(session) else { return };
        let before = users.len();
        users.retain(|_, entry| entry.told != 0 || entry.wanted != 0);
        self.entries -= before - users.len();
        match users.values().filter_map(|entry| entry.due).min() {
            Some(due) => self.due.insert(session.to_owned(), due),
            None => self.due.remove(session),
        };
        if users.is_empty() {
            self.sessions.remove(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "s";

    fn at(millis: u64) -> Time {
        Time(1_000_000 + millis)
    }

    fn says(edge: &str, user: &str, connections: u32) -> Announcement {
        Announcement { edge_id: edge.into(), user_id: user.into(), connections }
    }

    #[track_caller]
    fn tells(roll: &mut Roll, now: Time, expected: &[Announcement]) {
        let due = roll.due(now);
        let told: Vec<_> = due.iter().flat_map(|(_, told)| told.clone()).collect();
        assert_eq!(told, expected);
        for (session, told) in due {
            roll.told(&session, told, now);
        }
        assert!(roll.due(now).is_empty(), "told once");
    }

    fn with_alice() -> Roll {
        let mut roll = Roll::default();
        assert!(!roll.beat("e1", at(0)));
        roll.announce(S, says("e1", "alice", 1), at(0));
        tells(&mut roll, at(0), &[]);
        tells(&mut roll, at(20), &[says("e1", "alice", 1)]);
        roll
    }

    #[test]
    fn who_comes_is_told_at_once_and_who_goes_after_the_grace() {
        let mut roll = with_alice();
        roll.announce(S, says("e1", "alice", 0), at(1000));
        tells(&mut roll, at(2999), &[]);
        tells(&mut roll, at(3000), &[says("e1", "alice", 0)]);
        assert!(roll.sessions.is_empty() && roll.due.is_empty() && roll.entries == 0);
    }

    #[test]
    fn a_quick_reconnect_is_no_news() {
        let mut roll = with_alice();
        roll.announce(S, says("e1", "alice", 0), at(1000));
        roll.announce(S, says("e1", "alice", 1), at(2500));
        tells(&mut roll, at(9000), &[]);
        roll.announce(S, says("e1", "alice", 1), at(9000));
        tells(&mut roll, at(9900), &[]);
    }

    #[test]
    fn news_are_not_put_off_by_being_said_again() {
        let mut roll = with_alice();
        for moment in [1000, 1500, 2000, 2500] {
            roll.announce(S, says("e1", "alice", 0), at(moment));
        }
        tells(&mut roll, at(3000), &[says("e1", "alice", 0)]);
    }

    #[test]
    fn an_edge_that_falls_silent_takes_its_users_with_it() {
        let mut roll = with_alice();
        roll.beat("e2", at(0));
        roll.announce(S, says("e2", "bob", 1), at(0));
        tells(&mut roll, at(100), &[says("e2", "bob", 1)]);
        assert!(roll.beat("e2", at(10_000)));
        tells(&mut roll, at(14_999), &[]);
        tells(&mut roll, at(15_000), &[says("e1", "alice", 0)]);
        assert!(!roll.beat("e1", at(15_001)), "it must announce everybody again");
        roll.announce(S, says("e1", "alice", 1), at(15_001));
        tells(&mut roll, at(15_021), &[says("e1", "alice", 1)]);
    }

    #[test]
    fn after_a_start_edges_have_a_lease_to_come_back() {
        let known = [says("e1", "alice", 2), says("e2", "bob", 1)];
        let mut roll = Roll::begin(known.map(|one| (S.to_owned(), one)).to_vec(), at(0));
        assert!(roll.beat("e1", at(1000)));
        roll.announce(S, says("e1", "alice", 2), at(1000));
        tells(&mut roll, at(14_000), &[]);
        tells(&mut roll, at(15_000), &[says("e2", "bob", 0)]);
    }

    #[test]
    fn a_crowd_is_told_in_pieces() {
        let mut roll = Roll::default();
        let crowd = TOLD_MAX + 1;
        for n in 0..crowd {
            roll.announce(S, says("e1", &format!("u{n}"), 1), at(0));
        }
        for piece in [TOLD_MAX, 1, 0] {
            let due = roll.due(at(20));
            assert_eq!(due.iter().map(|(_, told)| told.len()).sum::<usize>(), piece);
            for (session, told) in due {
                roll.told(&session, told, at(20));
            }
        }
    }

    #[test]
    fn what_changes_while_it_is_told_is_told_next() {
        let mut roll = Roll::default();
        roll.beat("e1", at(0));
        roll.announce(S, says("e1", "alice", 1), at(0));
        let due = roll.due(at(20));
        roll.announce(S, says("e1", "alice", 2), at(21));
        for (session, told) in due {
            roll.told(&session, told, at(22));
        }
        tells(&mut roll, at(60), &[says("e1", "alice", 2)]);
        roll.announce(S, says("e1", "alice", 3), at(100));
        roll.failed(S, at(120));
        tells(&mut roll, at(1000), &[]);
        tells(&mut roll, at(1120), &[says("e1", "alice", 3)]);
        assert!(roll.next() > Some(at(1120)));
    }
}
