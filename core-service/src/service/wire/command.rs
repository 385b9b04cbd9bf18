//! Commands on graphs, as they come in.

use roomcast_proto::v1;
use tonic::Status;

use super::check::{self, invalid};
use crate::domain::graph::{Command, Link, MAIN, Node};
use crate::domain::limits;

pub(in crate::service) fn graph(name: String) -> Result<String, Status> {
    if name.is_empty() { Ok(MAIN.to_owned()) } else { check::name("graph", name) }
}

/// A command; a node without an id gets one from `new_id`.
pub(in crate::service) fn command(
    wire: Option<v1::Command>,
    new_id: fn() -> String,
) -> Result<Command, Status> {
    use v1::command::Kind;
    let kind = wire.and_then(|command| command.kind);
    let kind = kind.ok_or_else(|| invalid("command", "is required"))?;
    match kind {
        Kind::Batch(v1::CommandBatch { commands }) => {
            if commands.is_empty() || commands.len() > limits::BATCH_COMMANDS_MAX {
                let problem =
                    format!("has {} commands; 1 to {}", commands.len(), limits::BATCH_COMMANDS_MAX);
                return Err(invalid("command.batch", &problem));
            }
            let one = |command: v1::Command| match command.kind {
                Some(Kind::Batch(_)) => {
                    Err(invalid("command.batch", "must not have a batch in it"))
                }
                Some(kind) => simple(kind, new_id),
                None => Err(invalid("command.batch", "has a command that says nothing")),
            };
            Ok(Command::Batch(commands.into_iter().map(one).collect::<Result<_, _>>()?))
        }
        Kind::CreateNode(_)
        | Kind::DeleteNode(_)
        | Kind::LinkNode(_)
        | Kind::UnlinkNode(_)
        | Kind::SetProperty(_)
        | Kind::DeleteProperty(_) => simple(kind, new_id),
    }
}

fn simple(kind: v1::command::Kind, new_id: fn() -> String) -> Result<Command, Status> {
    use v1::command::Kind;
    Ok(match kind {
        Kind::CreateNode(v1::CreateNode { node: wire }) => {
            Command::CreateNode(node(wire.unwrap_or_default(), new_id)?)
        }
        Kind::DeleteNode(v1::DeleteNode { node_id }) => {
            Command::DeleteNode { node_id: check::name("node_id", node_id)? }
        }
        Kind::LinkNode(wire) => Command::LinkNode(link(wire)?),
        Kind::UnlinkNode(wire) => Command::UnlinkNode(link(wire)?),
        Kind::SetProperty(v1::SetProperty { node_id, key, value }) => {
            let node_id = check::name("node_id", node_id)?;
            let (key, value) = property(key, value)?;
            Command::SetProperty { node_id, key, value }
        }
        Kind::DeleteProperty(v1::DeleteProperty { node_id, key }) => {
            let node_id = check::name("node_id", node_id)?;
            Command::DeleteProperty { node_id, key: self::key(key)? }
        }
        Kind::Batch(_) => return Err(invalid("command.batch", "must not have a batch in it")),
    })
}

fn node(wire: v1::Node, new_id: fn() -> String) -> Result<Node, Status> {
    let v1::Node { node_id, node_type, name, parent_id, properties } = wire;
    let node_id = if node_id.is_empty() { new_id() } else { check::name("node_id", node_id)? };
    let parent_id = Some(parent_id).filter(|parent| !parent.is_empty());
    let properties = properties.into_iter().map(|(key, value)| property(key, value));
    Ok(Node {
        node_id,
        node_type: check::text("node_type", node_type, limits::TITLE_BYTES_MAX)?,
        name: check::text("name", name, limits::TITLE_BYTES_MAX)?,
        parent_id: parent_id.map(|parent| check::name("parent_id", parent)).transpose()?,
        properties: properties.collect::<Result<_, _>>()?,
    })
}

fn link(wire: v1::Link) -> Result<Link, Status> {
    let v1::Link { parent_id, node_id } = wire;
    let node_id = check::name("node_id", node_id)?;
    Ok(Link { node_id, parent_id: check::name("parent_id", parent_id)? })
}

fn key(key: String) -> Result<String, Status> {
    if key.is_empty() {
        return Err(invalid("key", "is required"));
    }
    check::text("key", key, limits::PROPERTY_KEY_BYTES_MAX)
}

fn property(key: String, value: String) -> Result<(String, String), Status> {
    let key = self::key(key)?;
    let value = check::text("value", value, limits::PROPERTY_BYTES_MAX)?;
    check::json("value", value.as_bytes())?;
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: v1::command::Kind) -> Result<Command, Status> {
        command(Some(v1::Command { kind: Some(kind) }), || "new".to_owned())
    }

    fn set(key: &str, value: &str) -> v1::command::Kind {
        let (node_id, key, value) = ("a".into(), key.into(), value.into());
        v1::command::Kind::SetProperty(v1::SetProperty { node_id, key, value })
    }

    fn batch(commands: Vec<v1::command::Kind>) -> v1::command::Kind {
        let commands = commands.into_iter().map(|kind| v1::Command { kind: Some(kind) }).collect();
        v1::command::Kind::Batch(v1::CommandBatch { commands })
    }

    #[test]
    fn a_value_is_json_within_its_limit_and_kept_as_it_came() {
        let value = " {\"a\" : 1.0}";
        let Ok(Command::SetProperty { value: kept, .. }) = parse(set("k", value)) else {
            panic!("taken")
        };
        assert_eq!(kept, value);
        let longest = format!("\"{}\"", "x".repeat(limits::PROPERTY_BYTES_MAX - 2));
        assert!(parse(set("k", &longest)).is_ok());
        for (key, value) in
            [("k", format!(" {longest}")), ("k", "1 2".into()), ("k", String::new())]
        {
            assert!(parse(set(key, &value)).is_err(), "{} bytes", value.len());
        }
        let key = "k".repeat(limits::PROPERTY_KEY_BYTES_MAX);
        assert!(parse(set(&key, "1")).is_ok());
        assert!(parse(set(&format!("{key}k"), "1")).is_err());
        assert!(parse(set("", "1")).is_err());
    }

    #[test]
    fn a_batch_has_its_limit_and_no_batch_in_it() {
        let many = |count| batch((0..count).map(|_| set("k", "1")).collect());
        assert!(parse(many(limits::BATCH_COMMANDS_MAX)).is_ok());
        assert!(parse(many(limits::BATCH_COMMANDS_MAX + 1)).is_err());
        assert!(parse(many(0)).is_err());
        assert!(parse(batch(vec![many(1)])).is_err());
    }

    #[test]
    fn a_node_without_an_id_gets_one() {
        let node = v1::Node { node_type: "t".into(), ..v1::Node::default() };
        let create = |node| v1::command::Kind::CreateNode(v1::CreateNode { node: Some(node) });
        let Ok(Command::CreateNode(made)) = parse(create(node.clone())) else { panic!("taken") };
        assert_eq!((made.node_id.as_str(), made.parent_id), ("new", None));
        assert!(parse(create(v1::Node { node_id: "a b".into(), ..node })).is_err());
    }
}
