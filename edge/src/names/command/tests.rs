use roomcast_proto::v1::command::Kind;

use super::*;

fn command(text: &str) -> Result<Kind, Malformed> {
    let text = format!(r#"{{"session_id":"s","command":{text}}}"#);
    let new: NewCommand = serde_json::from_str(&text).unwrap();
    Ok(new.request()?.command.unwrap().kind.unwrap())
}

#[track_caller]
fn check(text: &str, expected: Kind) {
    assert_eq!(command(text).unwrap(), expected);
}

#[track_caller]
fn refused(text: &str, field: &str) {
    assert_eq!(command(text).unwrap_err().field, field);
}

fn link() -> v1::Link {
    v1::Link { parent_id: "a".into(), node_id: "b".into() }
}

#[test]
fn every_type_has_its_fields() {
    let node = v1::Node {
        node_type: "box".into(),
        name: "A".into(),
        properties: [("k".to_owned(), "1".to_owned())].into(),
        ..v1::Node::default()
    };
    let created = Kind::CreateNode(v1::CreateNode { node: Some(node) });
    check(r#"{"type":"create_node","node_type":"box","name":"A","properties":{"k":1}}"#, created);
    let deleted = Kind::DeleteNode(v1::DeleteNode { node_id: "a".into() });
    check(r#"{"node_id":"a","type":"delete_node"}"#, deleted.clone());
    check(r#"{"type":"link_node","parent_id":"a","node_id":"b"}"#, Kind::LinkNode(link()));
    check(r#"{"type":"unlink_node","parent_id":"a","node_id":"b"}"#, Kind::UnlinkNode(link()));
    let gone = v1::DeleteProperty { node_id: "a".into(), key: "k".into() };
    check(r#"{"type":"delete_property","node_id":"a","key":"k"}"#, Kind::DeleteProperty(gone));
    let commands = vec![v1::Command { kind: Some(deleted) }];
    check(
        r#"{"type":"batch","commands":[{"type":"delete_node","node_id":"a"}]}"#,
        Kind::Batch(v1::CommandBatch { commands }),
    );
}

#[test]
fn a_value_travels_byte_for_byte_and_null_is_one() {
    for value in ["null", "1.0", r#"{ "z":1e3, "a" : "\u00e9" }"#, "99999999999999999999"] {
        let text =
            format!(r#"{{"type":"set_property","node_id":"a","key":"k","value": {value} }}"#);
        let Ok(Kind::SetProperty(set)) = command(&text) else { panic!("{text}") };
        assert_eq!(set.value, value);
    }
}

#[test]
fn what_is_missing_or_of_another_type_is_named() {
    refused(r#"{"type":"create_node","name":"A"}"#, "command.node_type");
    refused(r#"{"type":"delete_node"}"#, "command.node_id");
    refused(r#"{"type":"set_property","node_id":"a","key":"k"}"#, "command.value");
    refused(r#"{"type":"delete_node","node_id":"a","key":"k"}"#, "command.key");
    refused(r#"{"type":"batch"}"#, "command.commands");
    refused(
        r#"{"type":"batch","commands":[{"type":"delete_node","node_id":"a"},{"type":"link_node"}]}"#,
        "command.commands[1].parent_id",
    );
    refused(
        r#"{"type":"batch","commands":[{"type":"batch","commands":[]}]}"#,
        "command.commands[0].type",
    );
}

#[test]
fn what_is_no_command_is_no_form() {
    for text in ["1", "{}", r#"{"type":"explode"}"#, r#"{"type":"batch","x":1}"#] {
        let text = format!(r#"{{"session_id":"s","command":{text}}}"#);
        assert!(serde_json::from_str::<NewCommand>(&text).is_err(), "{text}");
    }
    let deep = format!("{}1{}", r#"{"type":"batch","commands":["#.repeat(5000), "]}".repeat(5000));
    assert!(serde_json::from_str::<Command>(&deep).is_err());
}
