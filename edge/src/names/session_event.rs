//! The fields of a session's events: what a command changed, how it went, who came and went.

use std::collections::BTreeMap;

use roomcast_proto::v1::{self, CommandStatus, SessionEvent, session_event::Kind};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    graph::{Node, json},
    job::text,
    rfc3339,
    session::Participant,
};

/// An event's own fields.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum SessionFact<'a> {
    Change(Box<Change<'a>>),
    Command(Progress<'a>),
    Presence(Presence<'a>),
    Count(Count<'a>),
    Kept(Kept<'a>),
    Closed { user_id: &'a str },
}

/// What changed in a graph. Which fields are there depends on the type.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Change<'a> {
    /// `graph.node_created`, `graph.node_deleted`, `graph.node_linked`, `graph.node_unlinked`,
    /// `graph.property_changed` or `graph.property_deleted`. Not in events, whose name says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "graph.node_created")]
    r#type: Option<&'static str>,
    /// The graph's name.
    graph: &'a str,
    /// The node that changed; of a link, its lower end.
    node_id: &'a str,
    /// Of a created node and of a link: the upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<&'a str>,
    /// Of a created node.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_type: Option<&'a str>,
    /// Of a created node, in events: its type once more, as older clients know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    blueprint_type_id: Option<&'a str>,
    /// Of a created node.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Of a created node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    properties: Option<BTreeMap<&'a str, Option<&'a RawValue>>>,
    /// Of a property.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// Of a property that changed: any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    value: Option<&'a RawValue>,
    /// Of a property: the value before, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    old_value: Option<&'a RawValue>,
}

/// How a command went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommandProgress)]
pub(crate) struct Progress<'a> {
    /// The graph's name.
    graph: &'a str,
    /// The command that is done, undone or done again.
    command_id: &'a str,
    /// Such as `create_node`.
    command_type: &'a str,
    /// Who gave it.
    user_id: &'a str,
    /// The graph's version after it.
    version: u64,
    /// Of a command that has come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// Why the graph refused it, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
}

/// A user is there on more or fewer connections.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresenceChange)]
pub(crate) struct Presence<'a> {
    /// The user.
    user_id: &'a str,
    /// On how many connections, over all edges; on none, the user has gone.
    connections: u32,
    /// How many users are there.
    participants: u32,
    /// Since when the user is there. RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
}

/// How many users are there, and once who all of them are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PresenceCount)]
pub(crate) struct Count<'a> {
    /// How many.
    participants: u32,
    /// Whether `users` names all of them.
    listed: bool,
    /// Who, where they are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<Participant<'a>>,
}

/// A save that was made or loaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaveKept)]
pub(crate) struct Kept<'a> {
    /// The graph's name.
    graph: &'a str,
    /// The save's name.
    name: &'a str,
    /// The save's number among those of its name, from 1.
    version: u64,
    /// The graph's version: the one that was saved, or the one after the load.
    graph_version: u64,
    /// Who saved or loaded it.
    user_id: &'a str,
}

impl<'a> SessionFact<'a> {
    /// Nothing of an event of a kind that this edge does not know.
    pub(crate) fn of(event: &'a SessionEvent) -> Option<Self> {
        Some(match event.kind.as_ref()? {
            Kind::Command(progress) => Self::Command(Progress::of(progress)),
            Kind::Presence(presence) => Self::Presence(Presence::of(presence)),
            Kind::Counted(count) => Self::Count(Count {
                participants: count.participants,
                listed: count.listed,
                users: count.users.iter().map(Participant::of).collect(),
            }),
            Kind::Kept(kept) => Self::Kept(Kept {
                graph: &kept.graph,
                name: &kept.name,
                version: kept.version,
                graph_version: kept.graph_version,
                user_id: &kept.user_id,
            }),
            Kind::Closed(closed) => Self::Closed { user_id: &closed.user_id },
            Kind::NodeCreated(_)
            | Kind::NodeDeleted(_)
            | Kind::NodeLinked(_)
            | Kind::NodeUnlinked(_)
            | Kind::PropertyChanged(_)
            | Kind::PropertyDeleted(_) => {
                let change = Change::of(event)?;
                let blueprint_type_id = change.node_type;
                Self::Change(Box::new(Change { r#type: None, blueprint_type_id, ..change }))
            }
        })
    }
}

impl<'a> Change<'a> {
    /// With its type, for lists of changes. Nothing of an event that changes no graph.
    pub(crate) fn of(event: &'a SessionEvent) -> Option<Self> {
        Some(match event.kind.as_ref()? {
            Kind::NodeCreated(made) => Self::created(&made.graph, made.node.as_ref()?),
            Kind::NodeDeleted(gone) => Self::new("graph.node_deleted", &gone.graph, &gone.node_id),
            Kind::NodeLinked(link) => Self {
                parent_id: Some(&link.parent_id),
                ..Self::new("graph.node_linked", &link.graph, &link.node_id)
            },
            Kind::NodeUnlinked(link) => Self {
                parent_id: Some(&link.parent_id),
                ..Self::new("graph.node_unlinked", &link.graph, &link.node_id)
            },
            Kind::PropertyChanged(property) => Self {
                key: Some(&property.key),
                value: json(&property.value),
                old_value: json(&property.old_value),
                ..Self::new("graph.property_changed", &property.graph, &property.node_id)
            },
            Kind::PropertyDeleted(property) => Self {
                key: Some(&property.key),
                old_value: json(&property.old_value),
                ..Self::new("graph.property_deleted", &property.graph, &property.node_id)
            },
            Kind::Command(_)
            | Kind::Presence(_)
            | Kind::Kept(_)
            | Kind::Counted(_)
            | Kind::Closed(_) => return None,
        })
    }

    fn new(r#type: &'static str, graph: &'a str, node_id: &'a str) -> Self {
        Self { r#type: Some(r#type), graph, node_id, ..Self::default() }
    }

    fn created(graph: &'a str, node: &'a v1::Node) -> Self {
        let Node { node_id, node_type, name, parent_id, properties } = Node::of(node);
        Self {
            parent_id,
            node_type: Some(node_type),
            name: Some(name),
            properties: Some(properties),
            ..Self::new("graph.node_created", graph, node_id)
        }
    }
}

impl<'a> Progress<'a> {
    fn of(progress: &'a v1::CommandProgressed) -> Self {
        let success = match progress.status() {
            CommandStatus::Executed => Some(true),
            CommandStatus::Failed => Some(false),
            CommandStatus::Executing | CommandStatus::Undone | CommandStatus::Redone => None,
            CommandStatus::Unspecified => None,
        };
        Self {
            graph: &progress.graph,
            command_id: &progress.command_id,
            command_type: &progress.command_type,
            user_id: &progress.user_id,
            version: progress.version,
            success,
            error: text(&progress.error),
            error_code: text(&progress.error_code),
        }
    }
}

impl<'a> Presence<'a> {
    fn of(presence: &'a v1::PresenceChanged) -> Self {
        Self {
            user_id: &presence.user_id,
            connections: presence.connections,
            participants: presence.participants,
            since: presence.since.as_ref().map(rfc3339),
        }
    }
}

#[cfg(test)]
mod tests;
