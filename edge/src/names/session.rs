//! Sessions as browsers and programs see them.

use roomcast_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    graph::{Graph, GraphHead},
    job::text,
    rfc3339,
    usage::Usage,
};

/// A shared document with the people in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session<'a> {
    /// Unique, chosen by the core.
    session_id: &'a str,
    /// Its project.
    project_id: &'a str,
    /// For people.
    name: &'a str,
    /// Whether it was closed: it takes nothing more then.
    closed: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    closed_at: Option<String>,
    /// The head of its topic that this stands at: read or follow events from here. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

/// A session without its graphs' content.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionOutline<'a> {
    #[serde(flatten)]
    session: Session<'a>,
    /// What its jobs have used of models; null when nothing was reported.
    usage: Option<Usage<'a>>,
    graphs: Vec<GraphHead<'a>>,
    /// How many users are there.
    participant_count: u32,
}

/// A session as it stands, with all that its events build on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionSnapshot<'a> {
    #[serde(flatten)]
    session: Session<'a>,
    /// Its documents.
    graphs: Vec<Graph<'a>>,
    /// Who is there, by user. Empty while only their number is told.
    participants: Vec<Participant<'a>>,
    /// How many users are there.
    participant_count: u32,
}

/// A user who is in a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Participant<'a> {
    /// The user.
    user_id: &'a str,
    /// Since when. RFC 3339.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// On how many connections.
    connections: u32,
}

impl<'a> Session<'a> {
    /// As the core shows it.
    #[must_use]
    pub fn of(session: &'a v1::Session) -> Self {
        Self {
            session_id: &session.session_id,
            project_id: &session.project_id,
            name: &session.name,
            closed: session.closed,
            created_at: session.create_time.as_ref().map(rfc3339),
            closed_at: session.close_time.as_ref().map(rfc3339),
            cursor: text(&session.cursor),
        }
    }
}

impl<'a> SessionOutline<'a> {
    /// Nothing of an answer that names no session.
    #[must_use]
    pub fn of(answer: &'a v1::GetSessionResponse) -> Option<Self> {
        Some(Self {
            session: Session::of(answer.session.as_ref()?),
            usage: Usage::reported(answer.session.as_ref()?.usage.as_ref()),
            graphs: answer.graphs.iter().map(GraphHead::of).collect(),
            participant_count: answer.participants,
        })
    }
}

impl<'a> SessionSnapshot<'a> {
    /// Nothing of a snapshot that names no session.
    #[must_use]
    pub fn of(snapshot: &'a v1::SessionSnapshot) -> Option<Self> {
        Self::part(snapshot, snapshot.graphs.iter().map(Graph::of).collect())
    }

    /// For a payload whose envelope says where it stands.
    pub(super) fn without_cursor(self) -> Self {
        Self { session: Session { cursor: None, ..self.session }, ..self }
    }

    /// With some of its graphs' content.
    pub(super) fn part(snapshot: &'a v1::SessionSnapshot, graphs: Vec<Graph<'a>>) -> Option<Self> {
        Some(Self {
            session: Session::of(snapshot.session.as_ref()?),
            graphs,
            participants: snapshot.participants.iter().map(Participant::of).collect(),
            participant_count: snapshot.participant_count,
        })
    }
}

impl<'a> Participant<'a> {
    pub(crate) fn of(participant: &'a v1::Participant) -> Self {
        Self {
            user_id: &participant.user_id,
            since: participant.since.as_ref().map(rfc3339),
            connections: participant.connections,
        }
    }
}
