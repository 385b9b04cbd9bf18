//! Who is in a session or room: a fold of events. Edges say on how many connections each user is
//! there; a change of that number is an event, and nothing else is.
//!
//! A session with many people would drown in their coming and going: above a limit events say only
//! how many there are, and once there are few again one event lists them.
//!
//! A room's log belongs to its publishers, and its snapshot is the last event of each type. So in a
//! room every event tells all, [`decide_room`], and few are told.

pub mod roll;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::limits::{PARTICIPANTS_MAX, PARTICIPANTS_NAMED_AGAIN, PARTICIPANTS_NAMED_MAX};
use crate::domain::time::Time;

/// The type of the events that tell who is in a room.
pub const IN_ROOM: &str = "presence";

/// A user's connections through one edge, as the edge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The edge.
    pub edge_id: String,
    /// The user.
    pub user_id: String,
    /// On how many connections; 0 means gone.
    pub connections: u32,
}

/// A user who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The user.
    pub user_id: String,
    /// Since when.
    pub since: Time,
    /// On how many connections.
    pub connections: u32,
}

/// A change of who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A user came, or is there on more connections.
    Connected {
        /// Who, and since when.
        participant: Participant,
        /// How many users are there after it.
        participants: u64,
    },
    /// A user is there on fewer connections, or went.
    Disconnected {
        /// Who.
        user_id: String,
        /// On how many connections still.
        connections: u32,
        /// How many users are there after it.
        participants: u64,
    },
    /// Many came or went.
    Counted {
        /// How many users are there.
        participants: u64,
        /// All of them, once they are few again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listed: Option<Vec<Participant>>,
    },
}

impl Event {
    /// The event's type in a session's log.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Connected { .. } => "session.connected",
            Event::Disconnected { .. } => "session.disconnected",
            Event::Counted { .. } => "session.presence",
        }
    }
}

/// Who is there, as the events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// These.
    Named(BTreeMap<String, Participant>),
    /// So many.
    Counted(u64),
}

impl Default for Presence {
    fn default() -> Presence {
        Presence::Named(BTreeMap::new())
    }
}

impl Presence {
    /// How many users are there.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Presence::Named(users) => users.len() as u64,
            Presence::Counted(count) => *count,
        }
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &Event) {
        match (self, event) {
            (this, Event::Counted { listed: Some(users), .. }) => {
                let users = users.iter().map(|user| (user.user_id.clone(), user.clone()));
                *this = Presence::Named(users.collect());
            }
            (this, Event::Counted { participants, listed: None }) => {
                *this = Presence::Counted(*participants);
            }
            (Presence::Named(users), Event::Connected { participant, .. }) => {
                users.insert(participant.user_id.clone(), participant.clone());
            }
            (Presence::Named(users), Event::Disconnected { user_id, connections: 0, .. }) => {
                users.remove(user_id);
            }
            (Presence::Named(users), Event::Disconnected { user_id, connections, .. }) => {
                if let Some(user) = users.get_mut(user_id) {
                    user.connections = *connections;
                }
            }
            (
                Presence::Counted(count),
                Event::Connected { participants, .. } | Event::Disconnected { participants, .. },
            ) => *count = *participants,
        }
    }
}

/// What a session knows of its presence without listing it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many users are there.
    pub participants: u64,
    /// Whether events only count them.
    pub is_counted: bool,
}

/// One user's connections through all edges, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The user.
    pub user_id: String,
    /// Since when the user is there, if so.
    pub since: Option<Time>,
    /// Connections before.
    pub before: u32,
    /// Connections after.
    pub after: u32,
}

/// What moves come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The session after them.
    pub tally: Tally,
    /// What to log, but for the list that [`Decided::lists`] asks for.
    pub events: Vec<Event>,
    /// The users whose moves count; the others came when the session was full.
    pub moved: Vec<Participant>,
    /// Whether everybody is to be listed in a last event.
    pub lists: bool,
}

/// Decides what moves come to at the moment `now`.
#[must_use]
pub fn decide(tally: Tally, moves: Vec<Move>, now: Time) -> Decided {
    let (mut count, mut events, mut moved) = (tally.participants, Vec::new(), Vec::new());
    for Move { user_id, since, before, after } in moves {
        let has_come = before == 0 && after > 0;
        if before == after || (has_come && count >= PARTICIPANTS_MAX) {
            continue;
        }
        if has_come {
            count += 1;
        } else if after == 0 {
            count = count.saturating_sub(1);
        }
        let since = since.unwrap_or(now);
        let participant = Participant { user_id: user_id.clone(), since, connections: after };
        moved.push(participant.clone());
        events.push(if after > before {
            Event::Connected { participant, participants: count }
        } else {
            Event::Disconnected { user_id, connections: after, participants: count }
        });
    }
    let limit = if tally.is_counted { PARTICIPANTS_NAMED_AGAIN } else { PARTICIPANTS_NAMED_MAX };
    let is_counted = count > limit;
    let lists = tally.is_counted && !is_counted;
    if is_counted || lists {
        let changed = count != tally.participants || !tally.is_counted;
        events.clear();
        if is_counted && changed {
            events.push(Event::Counted { participants: count, listed: None });
        }
    }
    Decided { tally: Tally { participants: count, is_counted }, events, moved, lists }
}

/// Decides what moves come to in a room of so many users: at most one event, which tells who is there
/// after them, or only how many, where they are many.
#[must_use]
pub fn decide_room(participants: u64, moves: Vec<Move>, now: Time) -> Decided {
    let is_counted = participants > PARTICIPANTS_NAMED_MAX;
    let Decided { tally, moved, .. } = decide(Tally { participants, is_counted }, moves, now);
    let is_counted = tally.participants > PARTICIPANTS_NAMED_MAX;
    let has_news = tally.participants != participants;
    let counted = Event::Counted { participants: tally.participants, listed: None };
    let events = if is_counted && has_news { vec![counted] } else { Vec::new() };
    let lists = !is_counted && !moved.is_empty();
    Decided { tally: Tally { is_counted, ..tally }, events, moved, lists }
}

#[cfg(test)]
mod tests;
