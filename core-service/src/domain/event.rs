//! An event: one immutable fact of a topic.

use std::sync::Arc;

use crate::domain::cursor::Cursor;
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::domain::session;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::domain::trace::TraceId;

/// An event as committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its topic.
    pub topic: Topic,
    /// Where it stands.
    pub cursor: Cursor,
    /// When it was committed.
    pub time: Time,
    /// The request that caused it.
    pub trace: Option<TraceId>,
    /// Its type.
    pub kind: Arc<str>,
    /// What happened.
    pub body: Body,
}

impl Event {
    /// The event's unique name: topic, offset and stamp.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.topic, self.cursor)
    }
}

/// The unique name of the event at a cursor of a topic.
#[must_use]
pub fn id(topic: &Topic, cursor: Cursor) -> String {
    format!("{topic}@{}.{:08x}", cursor.offset, cursor.stamp)
}

/// An event as it is told of by whoever committed it: it names the one before it, as an entry of Raft does,
/// so that nobody takes it for what follows another one in that place.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// The event.
    pub event: Arc<Event>,
    /// The stamp of the event before it in its topic, 0 if it is the first; none where nobody said.
    pub before: Option<u32>,
}

impl Linked {
    /// Whether it is what follows the event at `cursor`, an offset before it; none where that cannot be told.
    #[must_use]
    pub fn follows(&self, cursor: Cursor) -> Option<bool> {
        // What one writer session has written side by side is of one history.
        let is_same_session = self.event.cursor.stamp == cursor.stamp;
        self.before.map(|stamp| stamp == cursor.stamp).or(is_same_session.then_some(true))
    }
}

/// What happened. Small, whatever it is: every event that is kept at hand holds one.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Published content.
    Payload(Payload),
    /// A fact of a job's life, in the job's own topic.
    Job(Arc<job::Entry>),
    /// A line of a job list, in the owner's and the project's topic.
    Summary(Arc<job::Summary>),
    /// A fact of a session's life, in the session's topic; or who is in a room, in the room's.
    Session(Arc<session::Event>),
}

/// An event that is to be committed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Its type.
    pub kind: Arc<str>,
    /// What happened.
    pub body: Body,
}
