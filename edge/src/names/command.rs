//! Commands on a session's graph, as JSON: what comes in over REST and Socket.IO, and what is answered.
//! The edge looks at their form; the core decides.

use std::collections::BTreeMap;

use roomcast_proto::v1;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::session_event::Change;

/// A command for a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// The session.
    session_id: String,
    /// Which of the session's graphs, by default `main`. Another is made by its first command.
    graph: Option<String>,
    /// What is to change.
    command: Command,
    /// Refuse unless the graph is at this version.
    expected_version: Option<u64>,
    /// At most 128 bytes. The same key gives the same answer for 24 h.
    idempotency_key: Option<String>,
}

/// One step through the history of a session's graph.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryStep {
    /// The session.
    session_id: String,
    /// Which of the session's graphs, by default `main`.
    graph: Option<String>,
    /// Refuse unless the graph is at this version.
    expected_version: Option<u64>,
    /// At most 128 bytes. The same key gives the same answer for 24 h.
    idempotency_key: Option<String>,
}

/// One change of a graph. Which fields it has depends on its type: `create_node {node_id?, node_type,
/// name, parent_id?, properties?}`, `delete_node {node_id}`, `link_node` and `unlink_node {parent_id,
/// node_id}`, `set_property {node_id, key, value}`, `delete_property {node_id, key}`, `batch {commands}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// What it does.
    r#type: CommandType,
    /// `[A-Za-z0-9_.-]{1,128}`. A node that is created without one gets one.
    node_id: Option<String>,
    /// The application's own type.
    node_type: Option<String>,
    /// For people.
    name: Option<String>,
    /// The upper end of a link; of a new node, the node to link it below.
    parent_id: Option<String>,
    /// Of a new node: values by key, any JSON, kept byte for byte.
    #[schema(value_type = Option<Object>)]
    properties: Option<BTreeMap<String, Box<RawValue>>>,
    /// Name of a property.
    key: Option<String>,
    /// Any JSON, at most 64 KiB, kept byte for byte.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    value: Option<Box<RawValue>>,
    /// Of a batch: 1 to 200, none of them a batch. All are done, or none.
    #[schema(no_recursion)]
    commands: Option<Vec<Command>>,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CommandType {
    CreateNode,
    DeleteNode,
    LinkNode,
    UnlinkNode,
    SetProperty,
    DeleteProperty,
    Batch,
}

/// What a command, an undo or a redo came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Performed<'a> {
    /// The command that was done, undone or done again.
    command_id: &'a str,
    /// The graph's version after it.
    version: u64,
    /// What changed, in order.
    changes: Vec<Change<'a>>,
    /// The head of the session's topic after it.
    cursor: &'a str,
}

/// A command's form is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Malformed {
    /// Path of the field, such as `command.node_id`.
    pub field: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl NewCommand {
    /// The call, with its idempotency key still in it.
    pub(crate) fn request(self) -> Result<v1::ExecuteCommandRequest, Malformed> {
        Ok(v1::ExecuteCommandRequest {
            session_id: self.session_id,
            graph: self.graph.unwrap_or_default(),
            command: Some(self.command.message("command")?),
            expected_version: self.expected_version,
            idempotency_key: self.idempotency_key.unwrap_or_default(),
        })
    }
}

impl HistoryStep {
    pub(crate) fn undo(self) -> v1::UndoCommandRequest {
        v1::UndoCommandRequest {
            session_id: self.session_id,
            graph: self.graph.unwrap_or_default(),
            expected_version: self.expected_version,
            idempotency_key: self.idempotency_key.unwrap_or_default(),
        }
    }

    pub(crate) fn redo(self) -> v1::RedoCommandRequest {
        let v1::UndoCommandRequest { session_id, graph, expected_version, idempotency_key } =
            self.undo();
        v1::RedoCommandRequest { session_id, graph, expected_version, idempotency_key }
    }
}

impl Command {
    /// The same for the core. `path` is where it stands in the caller's message.
    ///
    /// # Errors
    /// [`Malformed`] when a field is missing, or one is there that its type has no use for.
    pub fn message(mut self, path: &str) -> Result<v1::Command, Malformed> {
        let kind = self.kind(path)?;
        match self.rest() {
            Some(field) => Err(malformed(path, field, "is not for a command of this type")),
            None => Ok(v1::Command { kind: Some(kind) }),
        }
    }

    /// Takes out what its type needs.
    fn kind(&mut self, path: &str) -> Result<v1::command::Kind, Malformed> {
        use v1::command::Kind;
        let need = |field: &mut Option<String>, name| {
            field.take().ok_or_else(|| malformed(path, name, "is required"))
        };
        Ok(match self.r#type {
            CommandType::CreateNode => {
                let properties = self.properties.take().unwrap_or_default();
                let node = v1::Node {
                    node_id: self.node_id.take().unwrap_or_default(),
                    node_type: need(&mut self.node_type, "node_type")?,
                    name: need(&mut self.name, "name")?,
                    parent_id: self.parent_id.take().unwrap_or_default(),
                    properties: properties.into_iter().map(|(key, raw)| (key, text(raw))).collect(),
                };
                Kind::CreateNode(v1::CreateNode { node: Some(node) })
            }
            CommandType::DeleteNode => {
                Kind::DeleteNode(v1::DeleteNode { node_id: need(&mut self.node_id, "node_id")? })
            }
            CommandType::LinkNode | CommandType::UnlinkNode => {
                let parent_id = need(&mut self.parent_id, "parent_id")?;
                let link = v1::Link { parent_id, node_id: need(&mut self.node_id, "node_id")? };
                if self.r#type == CommandType::LinkNode {
                    Kind::LinkNode(link)
                } else {
                    Kind::UnlinkNode(link)
                }
            }
            CommandType::SetProperty => {
                let value = self.value.take();
                Kind::SetProperty(v1::SetProperty {
                    node_id: need(&mut self.node_id, "node_id")?,
                    key: need(&mut self.key, "key")?,
                    value: text(value.ok_or_else(|| malformed(path, "value", "is required"))?),
                })
            }
            CommandType::DeleteProperty => Kind::DeleteProperty(v1::DeleteProperty {
                node_id: need(&mut self.node_id, "node_id")?,
                key: need(&mut self.key, "key")?,
            }),
            CommandType::Batch => Kind::Batch(self.batch(path)?),
        })
    }

    fn batch(&mut self, path: &str) -> Result<v1::CommandBatch, Malformed> {
        let commands = self.commands.take();
        let commands = commands.ok_or_else(|| malformed(path, "commands", "is required"))?;
        let one = |(index, command): (usize, Command)| {
            let path = format!("{path}.commands[{index}]");
            if command.r#type == CommandType::Batch {
                return Err(malformed(&path, "type", "must not be a batch again"));
            }
            command.message(&path)
        };
        let commands = commands.into_iter().enumerate().map(one).collect::<Result<_, _>>()?;
        Ok(v1::CommandBatch { commands })
    }

    /// A field that its type has no use for.
    fn rest(&self) -> Option<&'static str> {
        [
            ("node_id", self.node_id.is_some()),
            ("node_type", self.node_type.is_some()),
            ("name", self.name.is_some()),
            ("parent_id", self.parent_id.is_some()),
            ("properties", self.properties.is_some()),
            ("key", self.key.is_some()),
            ("value", self.value.is_some()),
            ("commands", self.commands.is_some()),
        ]
        .into_iter()
        .find_map(|(field, is_there)| is_there.then_some(field))
    }
}

impl Performed<'_> {
    /// The graph's version after it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many changes it made.
    #[must_use]
    pub fn count(&self) -> usize {
        self.changes.len()
    }
}

impl<'a> From<&'a v1::ExecuteCommandResponse> for Performed<'a> {
    fn from(answer: &'a v1::ExecuteCommandResponse) -> Self {
        let v1::ExecuteCommandResponse { command_id, version, changes, cursor } = answer;
        let changes = changes.iter().filter_map(Change::of).collect();
        Self { command_id, version: *version, changes, cursor }
    }
}

impl<'a> From<&'a v1::UndoCommandResponse> for Performed<'a> {
    fn from(answer: &'a v1::UndoCommandResponse) -> Self {
        let v1::UndoCommandResponse { command_id, version, changes, cursor } = answer;
        let changes = changes.iter().filter_map(Change::of).collect();
        Self { command_id, version: *version, changes, cursor }
    }
}

impl<'a> From<&'a v1::RedoCommandResponse> for Performed<'a> {
    fn from(answer: &'a v1::RedoCommandResponse) -> Self {
        let v1::RedoCommandResponse { command_id, version, changes, cursor } = answer;
        let changes = changes.iter().filter_map(Change::of).collect();
        Self { command_id, version: *version, changes, cursor }
    }
}

/// `null` is a value like any other; only a field that is left out is none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

fn text(raw: Box<RawValue>) -> String {
    let text: Box<str> = raw.into();
    text.into_string()
}

fn malformed(path: &str, field: &str, problem: &'static str) -> Malformed {
    Malformed { field: format!("{path}.{field}"), problem }
}

#[cfg(test)]
mod tests;
