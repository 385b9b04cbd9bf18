//! Projects and sessions, as the contract shows them.

use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use tonic::Status;
use tonic_types::ErrorDetails;

use super::timestamp;
use crate::domain::cursor::Cursor;
use crate::domain::graph::{Change, Head, Link, Node};
use crate::domain::presence::{self, Participant, Presence};
use crate::domain::project::{Member, Project, Role};
use crate::domain::session::{Event, Graph, Kept, Progress, Session, State, Status as Step};
use crate::domain::topic::{Kind, Topic};
use crate::error::graph_code;
use crate::store::session::{Outline, Save};

pub(in crate::service) fn project_not_found(project_id: &str) -> Status {
    let message = format!("project {} not found or access denied", shown(project_id));
    not_found(Code::ProjectNotFound, "project", project_id, message)
}

pub(in crate::service) fn session_not_found(session_id: &str) -> Status {
    let message = format!("session {} not found or access denied", shown(session_id));
    not_found(Code::SessionNotFound, "session", session_id, message)
}

pub(in crate::service) fn not_found(code: Code, kind: &str, id: &str, message: String) -> Status {
    let mut details = ErrorDetails::new();
    details.set_resource_info(kind, shown(id), "", "it is not there, or there is no right to it");
    code.status_with(message, details)
}

fn shown(id: &str) -> String {
    id.chars().take(64).collect()
}

pub(in crate::service) fn role(role: Role) -> v1::Role {
    match role {
        Role::Viewer => v1::Role::Viewer,
        Role::Editor => v1::Role::Editor,
        Role::Owner => v1::Role::Owner,
    }
}

pub(in crate::service) fn role_in(role: i32) -> Option<Role> {
    match v1::Role::try_from(role).unwrap_or_default() {
        v1::Role::Unspecified => None,
        v1::Role::Viewer => Some(Role::Viewer),
        v1::Role::Editor => Some(Role::Editor),
        v1::Role::Owner => Some(Role::Owner),
    }
}

pub(in crate::service) fn member(member: &Member) -> v1::Member {
    v1::Member { user_id: member.user_id.clone(), role: role(member.role).into() }
}

pub(in crate::service) fn project(project: &Project) -> v1::Project {
    v1::Project {
        project_id: project.project_id.clone(),
        name: project.name.clone(),
        owner: project.owner.clone(),
        tenant: project.tenant.clone(),
        create_time: Some(timestamp(project.created_at)),
        usage: None,
    }
}

/// A session; `cursor` is the head that it stands at, none in lists.
pub(in crate::service) fn session(session: &Session, cursor: Option<Cursor>) -> v1::Session {
    let at = cursor.and_then(|cursor| token(session, cursor));
    v1::Session {
        session_id: session.session_id.clone(),
        project_id: session.project_id.clone(),
        name: session.name.clone(),
        closed: session.closed_at.is_some(),
        create_time: Some(timestamp(session.created_at)),
        cursor: at.unwrap_or_default(),
        close_time: session.closed_at.map(timestamp),
        tenant: session.tenant.clone(),
        usage: None,
    }
}

/// A cursor of a session's topic.
pub(in crate::service) fn token(session: &Session, cursor: Cursor) -> Option<String> {
    let topic = Topic::new(&session.tenant, Kind::Session, &session.session_id).ok()?;
    Some(cursor.token(&topic))
}

pub(in crate::service) fn outline(outline: &Outline) -> v1::GetSessionResponse {
    let heads = outline.graphs.iter();
    v1::GetSessionResponse {
        session: Some(session(&outline.session, Some(outline.cursor))),
        graphs: heads.map(|(name, head)| graph_head(name, head)).collect(),
        participants: count(outline.tally.participants),
    }
}

fn graph_head(name: &str, head: &Head) -> v1::Graph {
    v1::Graph {
        name: name.to_owned(),
        version: head.version,
        nodes: Vec::new(),
        links: Vec::new(),
        node_count: head.size.nodes,
        undoable: count(head.history.undoable()),
        redoable: count(head.history.redoable()),
    }
}

pub(in crate::service) fn graph(name: &str, graph: &Graph) -> v1::Graph {
    v1::Graph {
        nodes: graph.document.nodes.values().map(node).collect(),
        links: graph.document.links.iter().map(link).collect(),
        ..graph_head(name, &graph.head)
    }
}

pub(in crate::service) fn snapshot(state: &State, cursor: Cursor) -> v1::SessionSnapshot {
    v1::SessionSnapshot {
        session: Some(session(&state.session, Some(cursor))),
        graphs: state.graphs.iter().map(|(name, known)| graph(name, known)).collect(),
        participants: participants(&state.presence),
        participant_count: count(state.presence.count()),
    }
}

pub(in crate::service) fn participants(presence: &Presence) -> Vec<v1::Participant> {
    match presence {
        Presence::Named(users) => users.values().map(participant).collect(),
        Presence::Counted(_) => Vec::new(),
    }
}

pub(in crate::service) fn save(save: &Save) -> v1::Save {
    v1::Save {
        name: save.name.clone(),
        version: save.version,
        graph: save.graph.clone(),
        graph_version: save.head.version,
        create_time: Some(timestamp(save.saved_at)),
        user_id: save.saved_by.clone(),
        node_count: save.head.size.nodes,
    }
}

pub(in crate::service) fn event(event: &Event) -> v1::SessionEvent {
    use v1::session_event::Kind;
    v1::SessionEvent {
        kind: Some(match event {
            Event::Changed { graph, change } => changed(graph.clone(), change),
            Event::Command(progress) => Kind::Command(command(progress)),
            Event::Presence(event) => presence(event),
            Event::Kept(kept) => Kind::Kept(self::kept(kept)),
            Event::Closed { by } => Kind::Closed(v1::SessionClosed { user_id: by.clone() }),
        }),
    }
}

fn changed(graph: String, change: &Change) -> v1::session_event::Kind {
    use v1::session_event::Kind;
    match change.clone() {
        Change::NodeCreated(made) => {
            Kind::NodeCreated(v1::NodeCreated { graph, node: Some(node(&made)) })
        }
        Change::NodeDeleted(Node { node_id, .. }) => {
            Kind::NodeDeleted(v1::NodeDeleted { graph, node_id })
        }
        Change::NodeLinked(Link { node_id, parent_id }) => {
            Kind::NodeLinked(v1::NodeLinked { graph, parent_id, node_id })
        }
        Change::NodeUnlinked(Link { node_id, parent_id }) => {
            Kind::NodeUnlinked(v1::NodeUnlinked { graph, parent_id, node_id })
        }
        Change::PropertyChanged { node_id, key, value, old } => {
            let old_value = old.unwrap_or_default();
            Kind::PropertyChanged(v1::PropertyChanged { graph, node_id, key, value, old_value })
        }
        Change::PropertyDeleted { node_id, key, old: old_value } => {
            Kind::PropertyDeleted(v1::PropertyDeleted { graph, node_id, key, old_value })
        }
    }
}

fn node(node: &Node) -> v1::Node {
    v1::Node {
        node_id: node.node_id.clone(),
        node_type: node.node_type.clone(),
        name: node.name.clone(),
        parent_id: node.parent_id.clone().unwrap_or_default(),
        properties: node.properties.clone(),
    }
}

fn link(link: &Link) -> v1::Link {
    v1::Link { parent_id: link.parent_id.clone(), node_id: link.node_id.clone() }
}

fn command(progress: &Progress) -> v1::CommandProgressed {
    let (status, refusal) = match &progress.status {
        Step::Executing => (v1::CommandStatus::Executing, None),
        Step::Executed => (v1::CommandStatus::Executed, None),
        Step::Failed(refusal) => (v1::CommandStatus::Failed, Some(refusal)),
        Step::Undone => (v1::CommandStatus::Undone, None),
        Step::Redone => (v1::CommandStatus::Redone, None),
    };
    v1::CommandProgressed {
        command_id: progress.command_id.clone(),
        command_type: progress.command_type.clone(),
        status: status.into(),
        user_id: progress.by.clone(),
        error: refusal.map(ToString::to_string).unwrap_or_default(),
        version: progress.version,
        graph: progress.graph.clone(),
        error_code: refusal.map(|why| graph_code(why).as_str().to_owned()).unwrap_or_default(),
    }
}

fn participant(user: &Participant) -> v1::Participant {
    v1::Participant {
        user_id: user.user_id.clone(),
        since: Some(timestamp(user.since)),
        connections: user.connections,
    }
}

fn presence(event: &presence::Event) -> v1::session_event::Kind {
    use v1::session_event::Kind;
    match event {
        presence::Event::Connected { participant: user, participants } => {
            Kind::Presence(v1::PresenceChanged {
                user_id: user.user_id.clone(),
                connected: true,
                participants: count(*participants),
                connections: user.connections,
                since: Some(timestamp(user.since)),
            })
        }
        presence::Event::Disconnected { user_id, connections, participants } => {
            Kind::Presence(v1::PresenceChanged {
                user_id: user_id.clone(),
                connected: false,
                participants: count(*participants),
                connections: *connections,
                since: None,
            })
        }
        presence::Event::Counted { participants, listed } => Kind::Counted(v1::PresenceCounted {
            participants: count(*participants),
            listed: listed.is_some(),
            users: listed.iter().flatten().map(participant).collect(),
        }),
    }
}

fn kept(kept: &Kept) -> v1::GraphKept {
    v1::GraphKept {
        graph: kept.graph.clone(),
        name: kept.name.clone(),
        version: kept.version,
        loaded: kept.is_load,
        user_id: kept.by.clone(),
        graph_version: kept.graph_version,
    }
}

/// Numbers that a limit keeps small.
fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
