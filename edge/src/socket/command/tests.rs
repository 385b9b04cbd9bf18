use roomcast_proto::{registry::Code, v1};
use socketioxide_core::Str;

use super::{Command, Job, Message, Project, Refusal, Session};

fn parse(text: &str) -> Result<Command, Refusal> {
    let text = Str::from(text.to_owned());
    Command::parse(&Message { text, ack: None, has_attachments: false })
}

#[track_caller]
fn malformed(text: &str) {
    let refusal = parse(text).unwrap_err();
    assert_eq!(refusal.code(), Code::MalformedMessage, "{text}");
}

#[test]
fn a_job_is_named_by_a_number_or_a_text() {
    for id in ["123", "\"123\""] {
        let joined = parse(&format!(r#"["join_job",{{"job_id":{id}}}]"#)).unwrap();
        assert_eq!(joined, Command::Job(Job::Join { job_id: "123".to_owned(), since: None }));
    }
}

#[test]
fn a_join_takes_a_cursor_and_ignores_what_it_does_not_know() {
    let joined = parse(r#"["join_job",{"job_id":"a","since":"c1","x":[]},7]"#).unwrap();
    let since = Some("c1".to_owned());
    assert_eq!(joined, Command::Job(Job::Join { job_id: "a".to_owned(), since }));
}

#[test]
fn events_without_an_argument_take_none_or_any() {
    assert_eq!(parse(r#"["ping"]"#), Ok(Command::Ping));
    assert_eq!(parse(r#"["ping",{"x":1}]"#), Ok(Command::Ping));
    for none in [r#"["subscribe_jobs"]"#, r#"["subscribe_jobs",null]"#, r#"["subscribe_jobs",{}]"#]
    {
        assert_eq!(
            parse(none),
            Ok(Command::Job(Job::JoinList { user_id: None, since: None })),
            "{none}"
        );
    }
}

#[test]
fn an_escaped_name_is_the_name_it_spells() {
    assert_eq!(parse(r#"["\u0070ing"]"#), Ok(Command::Ping));
}

#[test]
fn anything_else_is_malformed() {
    for text in [
        "",
        "null",
        "[]",
        "[1]",
        "[{}]",
        r#"["join_job"]"#,
        r#"["join_job",null]"#,
        r#"["join_job","7"]"#,
        r#"["join_job",{}]"#,
        r#"["join_job",{"job_id":null}]"#,
        r#"["join_job",{"job_id":""}]"#,
        r#"["join_job",{"job_id":-1}]"#,
        r#"["join_job",{"job_id":{"toString":1}}]"#,
        r#"["join_job",{"job_id":"a b"}]"#,
        r#"["join_job",{"job_id":"a","since":5}]"#,
        r#"["join_job",["a"]]"#,
        r#"["subscribe_jobs",5]"#,
        r#"["subscribe_jobs",{"user_id":""}]"#,
        r#"["subscribe_audit",{"since":5}]"#,
        r#"["disconnect"]"#,
        r#"["no_such_event",{}]"#,
    ] {
        malformed(text);
    }
    malformed(&format!(r#"["join_job",{{"job_id":"{}"}}]"#, "a".repeat(129)));
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    malformed(&format!(r#"["join_job",{{"job_id":{deep}}}]"#));
}

/// How a refusal begins.
#[track_caller]
fn says(text: &str, beginning: &str) {
    let refusal = parse(text).unwrap_err();
    assert!(refusal.message().starts_with(beginning), "{text}: {}", refusal.message());
    assert!(refusal.message().len() < 1000, "{}", refusal.message().len());
}

#[test]
fn what_cannot_be_understood_is_named() {
    for id in ["{}", "[]", "-1", "true"] {
        let text = format!(r#"["join_job",{{"job_id":{id}}}]"#);
        says(&text, "join_job: job_id: an id is a text or a whole number");
    }
    says(r#"["join_job",{"job_id":"a","since":5}]"#, "join_job: since: invalid type: integer `5`");
    says(r#"["join_room",{"room":"dashboard","cursors":{"a":1}}]"#, "join_room: cursors.a: ");
    says(r#"["subscribe_jobs",{"user_id":5}]"#, "subscribe_jobs: user_id: ");
    says(r#"["undo",{"session_id":"s","step":1}]"#, "undo: step: unknown field `step`");
    says(r#"["join_job",["a"]]"#, "join_job takes one object");
    let unknown = "no such event as docs/reference/socketio.md lists: ";
    says(r#"["joinJob",{"job_id":"a"}]"#, &format!("{unknown}joinJob"));
    says(&format!(r#"["{}"]"#, "ä".repeat(100_000)), &format!("{unknown}ää"));
}

#[test]
fn attachments_are_malformed() {
    let text = Str::from(r#"["ping",{"_placeholder":true,"num":0}]"#);
    let message = Message { text, ack: None, has_attachments: true };
    assert_eq!(Command::parse(&message).unwrap_err().code(), Code::MalformedMessage);
}

#[test]
fn a_field_is_named_as_it_is_called_here() {
    let naming = |message: &str| {
        let refused = Code::InvalidArgument.status(message);
        Refusal::from(&refused).naming("payload", "data").message().to_owned()
    };
    assert_eq!(naming("payload: must be one JSON object"), "data: must be one JSON object");
    assert_eq!(naming("payloads are none"), "payloads are none");
}

#[test]
fn an_unknown_job_and_another_users_look_the_same() {
    let unknown = Code::TopicNotFound.status("no such topic");
    let refusal = Refusal::of_topic(&unknown, "job:7");
    assert_eq!(refusal.code(), Code::JobNotFound);
    assert_eq!(refusal.message(), "Job 7 not found or access denied");
}

#[test]
fn sessions_and_projects_are_joined_by_their_ids() {
    let join = Session::Join { session_id: "7".to_owned(), since: None };
    assert_eq!(parse(r#"["join_session",{"session_id":7}]"#), Ok(Command::Session(join)));
    let leave = Project::Leave { project_id: "p".to_owned() };
    assert_eq!(parse(r#"["unsubscribe",{"project_id":"p"}]"#), Ok(Command::Project(leave)));
    malformed(r#"["join_session",{}]"#);
    malformed(r#"["subscribe",{"project_id":"a/b"}]"#);
}

#[test]
fn a_command_for_a_graph_is_read_whole_or_its_fault_is_named() {
    let text = r#"["execute_command",{"session_id":"s","graph":"g","expected_version":3,
        "command":{"type":"set_property","node_id":"n","key":"k","value":{ "a": 1.0 }}}]"#;
    let Ok(Command::Session(Session::Execute(request))) = parse(text) else { panic!("{text}") };
    assert_eq!((request.graph.as_str(), request.expected_version), ("g", Some(3)));
    let Some(v1::command::Kind::SetProperty(set)) = request.command.and_then(|one| one.kind) else {
        panic!("{text}")
    };
    assert_eq!(set.value, r#"{ "a": 1.0 }"#, "byte for byte");

    let lacking = r#"["execute_command",{"session_id":"s","command":{"type":"delete_node"}}]"#;
    let refusal = parse(lacking).unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument);
    assert_eq!(refusal.message(), "command.node_id: is required");
    for text in [
        r#"["execute_command"]"#,
        r#"["execute_command",{"session_id":"s"}]"#,
        r#"["execute_command",{"session_id":"s","command":{"type":"explode"}}]"#,
        r#"["undo",{}]"#,
        r#"["redo",{"session_id":"s","expected_version":-1}]"#,
    ] {
        malformed(text);
    }
}
