use std::collections::BTreeSet;

use roomcast_proto::v1::{
    Event, JobCreated, JobEvent, JobOutput, JobSummary, JobUsed, SessionEvent, event::Body,
    job_event::Kind,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    names,
    socket::{command::Command, inbound::Message},
};

/// The types of the events in a session's log.
const OF_A_SESSION: [&str; 17] = [
    "graph.node_created",
    "graph.node_deleted",
    "graph.node_linked",
    "graph.node_unlinked",
    "graph.property_changed",
    "graph.property_deleted",
    "command.executing",
    "command.executed",
    "command.failed",
    "command.undo",
    "command.redo",
    "session.connected",
    "session.disconnected",
    "session.presence",
    "session.closed",
    "project.saved",
    "project.loaded",
];

/// Every `$ref` in a value.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match value.as_str().filter(|_| key == "$ref") {
                Some(path) => vec![path.to_owned()],
                None => references(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// A value that a schema lets through.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return match path.rsplit('/').next() {
            Some("NewCommand") => {
                json!({"session_id": "s", "command": {"type": "delete_node", "node_id": "n"}})
            }
            _ => example(document, document.pointer(&path[1..]).unwrap()),
        };
    }
    let kind = schema["type"].as_str().or(schema["type"][0].as_str()).unwrap();
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields.filter(|(name, _)| !matches!(name.as_str(), "cursors" | "since"));
            fields.map(|(name, field)| (name.clone(), example(document, field))).collect()
        }
        "null" => Value::Null,
        "boolean" => true.into(),
        "integer" => 1.into(),
        _ => "a".into(),
    }
}

#[test]
fn whatever_clients_may_emit_is_understood_as_it_is_described() {
    let document = description();
    let emitted = document["operations"]["main.emitted"]["messages"].as_array().unwrap();
    assert!(emitted.len() >= 20);
    for message in emitted {
        let name = message["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(takes(name), "{name}");
        let message = &document["components"]["messages"][name];
        let argument = example(&document, &message["payload"]);
        let text = json!([name, argument]).to_string();
        let message = Message { text: text.clone().into(), ack: None, has_attachments: false };
        let parsed = Command::parse(&message);
        assert!(parsed.is_ok(), "{text}: {}", parsed.unwrap_err().message());
    }
}

/// What an event of a log is called at the sockets.
fn told_as(topic: &str, event_type: &str, body: Body) -> names::Body {
    let (topic, r#type) = (topic.to_owned(), event_type.to_owned());
    names::body(&Event { topic, r#type, body: Some(body), ..Event::default() })
}

#[test]
fn whatever_the_logs_of_sessions_have_is_told_under_names_that_are_listed() {
    for event_type in OF_A_SESSION {
        let told = told_as("session:s", event_type, Body::Session(SessionEvent::default()));
        let listed = TOLD.iter().find(|event| event.name == told.name);
        assert_eq!(listed.unwrap().short, told.short.as_deref(), "{event_type}");
    }
    assert_eq!(TOLD.iter().filter(|event| event.short.is_some()).count(), OF_A_SESSION.len());
}

#[test]
fn whatever_the_logs_of_jobs_and_rooms_have_is_told_under_names_that_are_listed() {
    let job = |kind| Body::Job(JobEvent { kind: Some(kind), ..JobEvent::default() });
    let listed = [
        told_as("job:j", "job.created", job(Kind::Created(JobCreated::default()))),
        told_as("job:j", "job.output", job(Kind::Output(JobOutput::default()))),
        told_as("job:j", "job.used", job(Kind::Used(JobUsed::default()))),
        told_as("user:u", "job", Body::JobSummary(JobSummary::default())),
        told_as("room:r", "presence", Body::Session(SessionEvent::default())),
    ];
    for told in listed {
        assert!(tells(&told.name), "{}", told.name);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = description();
    for path in references(&document) {
        assert!(document.pointer(&path[1..]).is_some(), "{path}");
    }
}

#[test]
fn no_name_is_there_twice() {
    let names = EMITTED.iter().map(|event| event.name);
    let names: Vec<_> = names.chain(TOLD.iter().map(|event| event.name)).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn a_sessions_events_have_another_name_in_each_namespace() {
    let document = description();
    let has =
        |channel: &str, key: &str| document["channels"][channel]["messages"].get(key).is_some();
    assert!(has("main", "command.undo") && !has("main", "command.undo.short"));
    assert!(has("graph", "command.undo.short") && !has("graph", "command.undo"));
    assert!(has("main", "job_update") && has("graph", "job_update"));
}
