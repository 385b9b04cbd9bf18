//! Projects and sessions: what can be committed of them, and what a [`Catalog`] answers.
//!
//! [`Catalog`]: super::Catalog

use std::sync::Arc;

use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::graph::{Head, Link, Node, Wish};
use crate::domain::presence::{Announcement, Tally};
use crate::domain::project::{self, Project, Role};
use crate::domain::session::{Command, Graph, Session};
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::edge::{Attend, Held};

/// Something to commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Create a project; its owner becomes its first member.
    CreateProject(Project),
    /// Give a user a role in a project, or take it away.
    SetMember {
        /// The project.
        project_id: String,
        /// The user.
        user_id: String,
        /// None takes the user out.
        role: Option<Role>,
    },
    /// Delete a project that holds no session, with its members. Every member is told of the lost
    /// right in the same commit, and what its topic holds goes with the next cleanings.
    DeleteProject {
        /// Which.
        project_id: String,
    },
    /// Open a session.
    CreateSession(Session),
    /// Erase a session: it ends, unless it has, and is not found from then on. What it holds goes with
    /// the next cleanings; until then nobody else gets its id.
    EraseSession {
        /// Which.
        session_id: String,
        /// By whom.
        by: String,
    },
    /// Put a part of a copy of a graph beside it. A copy that no save or load names within
    /// [`COPY_KEPT`] is deleted.
    PutPart(Part),
    /// Tell who came and went: in a session as [`decide`] says, elsewhere as [`decide_room`] does, under
    /// the type [`IN_ROOM`].
    ///
    /// [`decide`]: crate::domain::presence::decide
    /// [`decide_room`]: crate::domain::presence::decide_room
    /// [`IN_ROOM`]: crate::domain::presence::IN_ROOM
    Announce {
        /// A session's topic, or a room.
        topic: Topic,
        /// What edges say, of each user once for each edge. Of an edge that this core does not speak
        /// for nothing is told; [`Outcome::Announced`] names it.
        announced: Vec<Announcement>,
        /// The core that tells.
        core_id: String,
    },
    /// An edge lives, and this core speaks for it from here on. [`Outcome::Attended`] says as what it
    /// was known.
    Attend(Attend),
    /// This core speaks for an edge that has been silent for its lease, and forgets who was connected
    /// to it. Refused while the edge lives. One that was never noted gets [`PRESENCE_UPGRADE`] first, with
    /// [`Outcome::Attended`].
    ///
    /// [`PRESENCE_UPGRADE`]: crate::domain::limits::PRESENCE_UPGRADE
    Reap {
        /// The edge.
        edge_id: String,
        /// The core.
        core_id: String,
    },
    /// Something asked of a session.
    Command {
        /// Which.
        session_id: String,
        /// What.
        command: Command,
    },
}

impl Action {
    /// Bytes of a caller's own content, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Action::PutPart(Part { nodes, links, .. }) => {
                let bytes: u64 = nodes.iter().map(Node::bytes).sum::<u64>()
                    + links.iter().map(Link::bytes).sum::<u64>();
                usize::try_from(bytes).unwrap_or(usize::MAX)
            }
            Action::Command { command: Command::Perform { order, .. }, .. } => match &order.wish {
                Wish::Execute { command, .. } => command.bytes(),
                Wish::Undo | Wish::Redo => 0,
            },
            Action::Attend(attend) => attend.parts.iter().map(|(_, doc)| doc.len()).sum(),
            Action::CreateProject(_)
            | Action::SetMember { .. }
            | Action::DeleteProject { .. }
            | Action::CreateSession(_)
            | Action::EraseSession { .. }
            | Action::Announce { .. }
            | Action::Reap { .. }
            | Action::Command { .. } => 0,
        }
    }
}

/// How long a copy of a graph may take.
pub const COPY_KEPT: std::time::Duration = std::time::Duration::from_secs(3600);

/// A part of a copy of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where the copy lies: a number that no other copy has.
    pub body: u64,
    /// Whether it is the copy's first: what comes after the copy was deleted must not begin it anew.
    pub is_first: bool,
    /// Some of its nodes.
    pub nodes: Vec<Node>,
    /// Some of its links.
    pub links: Vec<Link>,
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The project that was created.
    Project(Project),
    /// The session that was opened.
    Session(Session),
    /// The events of the session's topic that were appended, in order. What the graph refused is
    /// among them.
    Events(Vec<Arc<Event>>),
    /// What was told of who came and went.
    Announced {
        /// Of the session's topic, or the room.
        events: Vec<Arc<Event>>,
        /// Edges of which nothing was told: another core speaks for them, or none does.
        unspoken: Vec<String>,
    },
    /// What was known of the edge before it was heard, if anything was.
    Attended(Option<Held>),
    /// It is done.
    Done,
}

/// Why a command is not to be. Nothing is logged of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such project.
    #[error("project {0} not found")]
    ProjectNotFound(String),
    /// No such session.
    #[error("session {0} not found")]
    SessionNotFound(String),
    /// The session was closed.
    #[error("session {0} was closed and takes nothing more")]
    Closed(String),
    /// The id is taken.
    #[error("{0} is taken")]
    Taken(String),
    /// The project holds sessions, which must be erased first.
    #[error("project {0} holds sessions")]
    NotEmpty(String),
    /// The project refuses a change of its members.
    #[error(transparent)]
    Project(#[from] project::Refusal),
    /// The copy that was to be saved or loaded was deleted: it took too long.
    #[error("the copy took too long; try again")]
    CopyLost,
    /// A later word of the edge has been heard, by this core or another.
    #[error("later word of edge {0} has been heard")]
    Overtaken(String),
}

/// A session without what is in its graphs.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The session.
    pub session: Session,
    /// The head of its topic.
    pub cursor: Cursor,
    /// Its graphs, by name.
    pub graphs: Vec<(String, Head)>,
    /// How many users are there.
    pub tally: Tally,
}

/// A save of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Its name.
    pub name: String,
    /// Its version, from 1.
    pub version: u64,
    /// The graph it was made of.
    pub graph: String,
    /// The graph as it stood.
    pub head: Head,
    /// When.
    pub saved_at: Time,
    /// By whom.
    pub saved_by: String,
}

/// Which graph to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// As it stands.
    Graph(String),
    /// As it was saved.
    Save {
        /// The save's name.
        name: String,
        /// None is the newest.
        version: Option<u64>,
    },
}

/// A graph that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The graph.
    pub graph: Graph,
    /// Its name, or the save's.
    pub name: String,
    /// The save's version; none for a graph as it stands.
    pub version: Option<u64>,
    /// The head of the session's topic at the same moment.
    pub cursor: Cursor,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only those that come after this id in the list.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}
