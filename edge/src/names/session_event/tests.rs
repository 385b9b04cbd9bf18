use prost_types::Timestamp;
use serde_json::{Value, json};

use super::*;

fn told(kind: Kind) -> Value {
    let event = SessionEvent { kind: Some(kind) };
    serde_json::to_value(SessionFact::of(&event)).unwrap()
}

fn created() -> Kind {
    let node = v1::Node {
        node_id: "n".into(),
        node_type: "box".into(),
        name: "A".into(),
        parent_id: String::new(),
        properties: [("k".to_owned(), "1.0".to_owned())].into(),
    };
    Kind::NodeCreated(v1::NodeCreated { graph: "main".into(), node: Some(node) })
}

#[test]
fn a_change_has_the_fields_of_its_kind_and_values_as_they_were_written() {
    let event = SessionEvent { kind: Some(created()) };
    assert_eq!(
        serde_json::to_string(&SessionFact::of(&event)).unwrap(),
        r#"{"graph":"main","node_id":"n","node_type":"box","blueprint_type_id":"box","name":"A","properties":{"k":1.0}}"#
    );
    let changed = Kind::PropertyChanged(v1::PropertyChanged {
        graph: "main".into(),
        node_id: "n".into(),
        key: "k".into(),
        value: "{ \"a\": 1e3 }".into(),
        old_value: String::new(),
    });
    let event = SessionEvent { kind: Some(changed) };
    assert_eq!(
        serde_json::to_string(&Change::of(&event)).unwrap(),
        r#"{"type":"graph.property_changed","graph":"main","node_id":"n","key":"k","value":{ "a": 1e3 }}"#
    );
}

#[test]
fn a_command_that_has_ended_says_whether_it_succeeded() {
    let progress = |status: CommandStatus| {
        told(Kind::Command(v1::CommandProgressed {
            command_id: "c".into(),
            status: status.into(),
            ..v1::CommandProgressed::default()
        }))
    };
    assert_eq!(progress(CommandStatus::Executing).get("success"), None);
    assert_eq!(progress(CommandStatus::Executed)["success"], true);
    assert_eq!(progress(CommandStatus::Failed)["success"], false);
}

#[test]
fn presence_is_told_by_name_or_by_number() {
    let here = Kind::Presence(v1::PresenceChanged {
        user_id: "ana".into(),
        connected: true,
        participants: 1,
        connections: 2,
        since: Some(Timestamp { seconds: 1_769_860_800, nanos: 0 }),
    });
    let since = "2026-01-31T12:00:00.000Z";
    assert_eq!(
        told(here),
        json!({ "user_id": "ana", "connections": 2, "participants": 1, "since": since })
    );
    let many = v1::PresenceCounted { participants: 201, listed: false, users: Vec::new() };
    assert_eq!(told(Kind::Counted(many)), json!({ "participants": 201, "listed": false }));
}
