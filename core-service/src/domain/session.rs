//! A session: a shared document with the people in it. What its log tells folds into its [`State`].

mod account;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use account::Account;

use crate::domain::graph::{Change, Document, Head, Order, Refusal};
use crate::domain::presence::{self, Presence};
use crate::domain::time::Time;

/// A session, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Unique.
    pub session_id: String,
    /// Its project.
    pub project_id: String,
    /// The tenant it lives in.
    pub tenant: String,
    /// For people.
    pub name: String,
    /// When it was created.
    pub created_at: Time,
    /// When it was closed.
    pub closed_at: Option<Time>,
}

/// One fact of a session's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A graph changed.
    Changed {
        /// Which.
        graph: String,
        /// How.
        change: Change,
    },
    /// A command went its way.
    Command(Progress),
    /// Somebody came or went.
    Presence(presence::Event),
    /// A graph was saved or loaded.
    Kept(Kept),
    /// The session was closed: nothing follows.
    Closed {
        /// By whom.
        by: String,
    },
}

/// A step of a command's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The graph.
    pub graph: String,
    /// The command.
    pub command_id: String,
    /// Its type.
    pub command_type: String,
    /// Who gave it, undid it or did it again.
    pub by: String,
    /// The graph's version after it.
    pub version: u64,
    /// The step.
    pub status: Status,
}

/// A step of a command's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; what it changes follows.
    Executing,
    /// Done.
    Executed,
    /// Refused by the graph, which has not changed.
    Failed(Refusal),
    /// Taken back.
    Undone,
    /// Done again.
    Redone,
}

/// A save of a graph that was made or loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The graph.
    pub graph: String,
    /// The save's name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// True when the graph was replaced by the save, false when the save was made.
    pub is_load: bool,
    /// Who did it.
    pub by: String,
    /// The graph's version: as it was saved, or after the load.
    pub graph_version: u64,
}

impl Event {
    /// The event's type on the wire.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Changed { change, .. } => change.kind(),
            Event::Command(progress) => match progress.status {
                Status::Executing => "command.executing",
                Status::Executed => "command.executed",
                Status::Failed(_) => "command.failed",
                Status::Undone => "command.undo",
                Status::Redone => "command.redo",
            },
            Event::Presence(event) => event.kind(),
            Event::Kept(kept) if kept.is_load => "project.loaded",
            Event::Kept(_) => "project.saved",
            Event::Closed { .. } => "session.closed",
        }
    }
}

impl Event {
    /// Bytes of a user's own content in it.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        match self {
            Event::Changed { change, .. } => usize::try_from(change.bytes()).unwrap_or(usize::MAX),
            Event::Presence(presence::Event::Counted { listed: Some(users), .. }) => {
                users.iter().map(|user| user.user_id.len() + size_of_val(user)).sum()
            }
            Event::Presence(_) | Event::Command(_) | Event::Kept(_) | Event::Closed { .. } => 0,
        }
    }
}

/// Something asked of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Do something with a graph.
    Perform {
        /// Which.
        graph: String,
        /// Who asks.
        by: String,
        /// What.
        order: Order,
    },
    /// Keep a copy of a graph under a name: the copy lies in a body of its own.
    Save(Copied),
    /// Replace a graph by a save, a copy of which lies in a body of its own.
    Load(Copied),
    /// End it.
    Close {
        /// Who asks.
        by: String,
    },
}

/// A copy of a graph that was put beside it, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The graph.
    pub graph: String,
    /// The save's name.
    pub name: String,
    /// The version of the save that is loaded; a new one gets its own.
    pub version: u64,
    /// Who asks.
    pub by: String,
    /// Where the copy lies.
    pub body: u64,
    /// What was copied: the graph as it stood.
    pub head: Head,
}

/// A graph of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Its version, its size, its history.
    pub head: Head,
    /// What is in it.
    pub document: Document,
}

/// A session with what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The session.
    pub session: Session,
    /// Its graphs by name.
    pub graphs: BTreeMap<String, Graph>,
    /// Who is there.
    pub presence: Presence,
}

/// What an event did to a state it was folded into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// The state has what the log tells.
    Whole,
    /// A graph was replaced by a save, whose content the log does not hold.
    Replaced,
}

impl State {
    /// Folds an event in, but for the heads of graphs: the log does not tell their history.
    pub fn apply(&mut self, event: &Event) -> Folded {
        match event {
            Event::Changed { graph, change } => {
                self.graphs.entry(graph.clone()).or_default().document.apply(change);
            }
            Event::Presence(event) => self.presence.apply(event),
            Event::Kept(kept) if kept.is_load => return Folded::Replaced,
            Event::Closed { .. } => self.presence = Presence::default(),
            Event::Kept(_) | Event::Command(_) => {}
        }
        Folded::Whole
    }
}
