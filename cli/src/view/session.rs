//! Sessions.

use std::fmt;

use anyhow::anyhow;
use roomcast_edge::names::{self, rfc3339};
use roomcast_proto::v1::{GetSessionResponse, Session, SessionSnapshot};
use serde::Serialize;

use super::text;
use crate::failure::Failure;

/// A session as a line of a list.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct SessionLine<'a> {
    shown: names::Session<'a>,
    #[serde(skip)]
    session: &'a Session,
}

/// A session with what its graphs are.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct SessionView<'a> {
    shown: names::SessionOutline<'a>,
    #[serde(skip)]
    session: &'a Session,
    #[serde(skip)]
    answer: &'a GetSessionResponse,
}

/// A frame that carries a session as it stands.
#[derive(Debug, Serialize)]
pub(crate) struct SessionFrame<'a> {
    frame: &'static str,
    session: Option<names::SessionSnapshot<'a>>,
    #[serde(skip)]
    snapshot: &'a SessionSnapshot,
}

impl<'a> SessionLine<'a> {
    pub(crate) fn of(session: &'a Session) -> Self {
        Self { shown: names::Session::of(session), session }
    }

    /// The line above the lines.
    pub(crate) fn heading() -> String {
        line("SESSION", "STATE", "CREATED", "NAME")
    }
}

impl fmt::Display for SessionLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { session_id, name, .. } = self.session;
        let created = self.session.create_time.as_ref().map(rfc3339);
        let created = created.as_deref().unwrap_or("-");
        formatter.write_str(&line(session_id, state(self.session), created, name))
    }
}

fn state(session: &Session) -> &'static str {
    if session.closed { "closed" } else { "open" }
}

fn line(id: &str, state: &str, created: &str, name: &str) -> String {
    format!("{id:<32}  {state:<6}  {created:<24}  {name}").trim_end().to_owned()
}

impl<'a> SessionView<'a> {
    pub(crate) fn of(answer: &'a GetSessionResponse) -> Result<Self, Failure> {
        let named = names::SessionOutline::of(answer).zip(answer.session.as_ref());
        let (shown, session) =
            named.ok_or_else(|| anyhow!("the core's answer names no session"))?;
        Ok(Self { shown, session, answer })
    }
}

impl fmt::Display for SessionView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.session;
        let mut field = |name: &str, value: Option<&str>| match value {
            Some(value) => writeln!(formatter, "{name:<12} {value}"),
            None => Ok(()),
        };
        field("session", Some(&session.session_id))?;
        field("project", Some(&session.project_id))?;
        field("name", text(&session.name))?;
        field("state", Some(state(session)))?;
        field("created", session.create_time.as_ref().map(rfc3339).as_deref())?;
        field("closed", session.close_time.as_ref().map(rfc3339).as_deref())?;
        for graph in &self.answer.graphs {
            let (name, version, nodes) = (&graph.name, graph.version, graph.node_count);
            field("graph", Some(&format!("{name} at version {version}, {nodes} nodes")))?;
        }
        field("participants", Some(&self.answer.participants.to_string()))?;
        write!(formatter, "{:<12} {}", "cursor", session.cursor)
    }
}

impl<'a> SessionFrame<'a> {
    /// What the stream begins with.
    pub(crate) fn snapshot(snapshot: &'a SessionSnapshot) -> Self {
        Self { frame: "snapshot", session: names::SessionSnapshot::of(snapshot), snapshot }
    }
}

impl fmt::Display for SessionFrame<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for graph in &self.snapshot.graphs {
            let (name, version, nodes) = (&graph.name, graph.version, graph.nodes.len());
            write!(formatter, "graph {name} at version {version}, {nodes} nodes; ")?;
        }
        write!(formatter, "{} participants", self.snapshot.participant_count)
    }
}
