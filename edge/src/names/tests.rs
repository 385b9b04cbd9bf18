use prost_types::Timestamp;
use roomcast_proto::v1::{
    Event, Fault, Job, JobCancelRequested, JobCancelled, JobCompleted, JobCreated, JobEvent,
    JobFailed, JobOutput, JobProgressed, JobQueued, JobReported, JobStarted, JobState, JobSummary,
    JobUsed, Payload, Progress, Usage, event, job_event::Kind,
};

use super::{Encoded, Envelope, job_status_of_job, rfc3339};
use crate::lane::Namespace;

const AT: Timestamp = Timestamp { seconds: 1_769_860_800, nanos: 7_999_999 };
const TAIL: &str = r#""topic":"job:7","cursor":"c3","event_id":"e3","trace_id":"t","timestamp":"2026-01-31T12:00:00.007Z"}"#;

fn event(topic: &str, r#type: &str, body: event::Body) -> Event {
    Event {
        topic: topic.to_owned(),
        offset: 3,
        cursor: "c3".to_owned(),
        event_id: "e3".to_owned(),
        r#type: r#type.to_owned(),
        time: Some(AT),
        trace_id: "t".to_owned(),
        body: Some(body),
    }
}

/// A job's event is this name and these fields, and ends with the envelope.
#[track_caller]
fn check_job(state: JobState, percent: f64, kind: Kind, name: &str, fields: &str) {
    let job = JobEvent {
        kind: Some(kind),
        job_id: "7".to_owned(),
        state: state.into(),
        attempt: 1,
        percent,
    };
    let encoded = Encoded::new(&event("job:7", "job.event", event::Body::Job(job)));
    assert_eq!(encoded.name(), name);
    assert_eq!(encoded.payload(), format!("{{{fields},{TAIL}"));
    assert_eq!(
        encoded.spellings().packet(Namespace::Root).as_str(),
        format!("[\"{name}\",{}]", encoded.payload())
    );
}

#[track_caller]
fn check_published(content_type: &str, data: &[u8], payload: &str) {
    let content = Payload { content_type: content_type.to_owned(), data: data.to_vec().into() };
    let encoded = Encoded::new(&event("job:7", "metrics.cpu", event::Body::Payload(content)));
    assert_eq!(encoded.name(), "metrics.cpu");
    assert_eq!(encoded.payload(), payload);
    serde_json::from_str::<serde_json::Map<_, _>>(encoded.payload()).unwrap();
}

fn fault() -> Fault {
    Fault { code: "disk_full".to_owned(), message: "no \"room\"".to_owned(), retryable: true }
}

#[test]
fn a_created_job_that_waits_for_its_time_is_queued_with_run_at() {
    let created = JobCreated { kind: "report".to_owned(), run_at: Some(AT) };
    check_job(
        JobState::Scheduled,
        0.0,
        Kind::Created(created),
        "job_update",
        r#""job_id":"7","status":"queued","progress":0,"attempt":1,"run_at":"2026-01-31T12:00:00.007Z""#,
    );
}

#[test]
fn a_created_job_that_is_due_says_no_time() {
    let created = JobCreated { kind: "report".to_owned(), run_at: Some(AT) };
    check_job(
        JobState::Queued,
        0.0,
        Kind::Created(created),
        "job_update",
        r#""job_id":"7","status":"queued","progress":0,"attempt":1"#,
    );
}

#[test]
fn a_job_that_waits_for_its_retry_says_what_failed() {
    let queued = JobQueued { reason: 2, run_at: Some(AT), error: Some(fault()) };
    check_job(
        JobState::Scheduled,
        0.0,
        Kind::Queued(queued),
        "job_update",
        r#""job_id":"7","status":"queued","progress":0,"attempt":1,"error":"no \"room\"","error_code":"disk_full","run_at":"2026-01-31T12:00:00.007Z""#,
    );
}

#[test]
fn a_workers_own_event_keeps_its_name_and_its_bytes_and_says_of_which_job_it_is() {
    let cases = [
        ("", r#"{ "patch": "a\u0000", "n": 1.0 }"#, r#", "patch": "a\u0000", "n": 1.0,"#),
        ("application/json", " {} ", ","),
        ("image/png", "\u{7f}", r#","content_type":"image/png","data_base64":"fw==","#),
    ];
    for (content_type, data, fields) in cases {
        let content_type = content_type.to_owned();
        let payload = Some(Payload { content_type, data: data.to_owned().into() });
        let job = JobEvent {
            kind: Some(Kind::Reported(JobReported { payload })),
            job_id: "7".to_owned(),
            attempt: 2,
            ..JobEvent::default()
        };
        let encoded = Encoded::new(&event("job:7", "test_result", event::Body::Job(job)));
        assert_eq!(encoded.name(), "test_result");
        let expected = format!(r#"{{"job_id":"7","attempt":2{fields}{TAIL}"#);
        assert_eq!(encoded.payload(), expected);
    }
}

#[test]
fn a_started_job_is_running() {
    let started = JobStarted { worker_id: "w".to_owned() };
    check_job(
        JobState::Running,
        0.0,
        Kind::Started(started),
        "job_update",
        r#""job_id":"7","status":"running","progress":0,"attempt":1"#,
    );
}

#[test]
fn progress_is_whole_where_it_can_be_and_carries_stage_and_counters() {
    let progress = Progress {
        percent: 45.0,
        message: "reading".to_owned(),
        stage: "load".to_owned(),
        counters: [("rows".to_owned(), 5), ("files".to_owned(), 2)].into(),
    };
    check_job(
        JobState::Running,
        45.0,
        Kind::Progressed(JobProgressed { progress: Some(progress) }),
        "job_update",
        r#""job_id":"7","status":"running","progress":45,"attempt":1,"message":"reading","stage":"load","counters":{"files":2,"rows":5}"#,
    );
    check_job(
        JobState::Running,
        45.5,
        Kind::Progressed(JobProgressed { progress: None }),
        "job_update",
        r#""job_id":"7","status":"running","progress":45.5,"attempt":1"#,
    );
}

#[test]
fn a_job_asked_to_end_is_still_running() {
    let asked = JobCancelRequested { reason: "enough".to_owned(), requested_by: "u".to_owned() };
    check_job(
        JobState::Cancelling,
        30.0,
        Kind::CancelRequested(asked),
        "job_update",
        r#""job_id":"7","status":"running","progress":30,"attempt":1,"message":"enough","cancel_requested":true"#,
    );
}

#[test]
fn a_completed_job_is_at_100_and_its_json_result_is_json() {
    let data = br#"{"b": 1.0, "a": [1e3]}"#;
    let result = Payload { content_type: String::new(), data: data.to_vec().into() };
    check_job(
        JobState::Completed,
        90.0,
        Kind::Completed(JobCompleted { result: Some(result) }),
        "job_update",
        r#""job_id":"7","status":"completed","progress":100,"attempt":1,"result":{"b": 1.0, "a": [1e3]}"#,
    );
}

#[test]
fn a_result_that_is_no_json_is_base64() {
    let result = Payload { content_type: "image/png".to_owned(), data: vec![1, 2].into() };
    check_job(
        JobState::Completed,
        100.0,
        Kind::Completed(JobCompleted { result: Some(result) }),
        "job_update",
        r#""job_id":"7","status":"completed","progress":100,"attempt":1,"result":{"content_type":"image/png","data_base64":"AQI="}"#,
    );
}

#[test]
fn a_failed_job_says_what_failed_as_a_text() {
    check_job(
        JobState::Failed,
        10.0,
        Kind::Failed(JobFailed { error: Some(fault()) }),
        "job_update",
        r#""job_id":"7","status":"failed","progress":10,"attempt":1,"error":"no \"room\"","error_code":"disk_full""#,
    );
}

#[test]
fn a_cancelled_job_says_why() {
    check_job(
        JobState::Cancelled,
        10.0,
        Kind::Cancelled(JobCancelled { reason: "enough".to_owned(), mode: 2 }),
        "job_update",
        r#""job_id":"7","status":"cancelled","progress":10,"attempt":1,"message":"enough""#,
    );
}

#[test]
fn output_is_text_where_it_is_utf8_and_base64_elsewhere() {
    let output = |data: &[u8]| {
        Kind::Output(JobOutput {
            channel: "stdout".to_owned(),
            offset: 12,
            data: data.to_vec().into(),
        })
    };
    check_job(
        JobState::Running,
        0.0,
        output("é\n".as_bytes()),
        "job_output",
        r#""job_id":"7","attempt":1,"channel":"stdout","offset":12,"data":"é\n""#,
    );
    check_job(
        JobState::Running,
        0.0,
        output(&[0xff]),
        "job_output",
        r#""job_id":"7","attempt":1,"channel":"stdout","offset":12,"data_base64":"/w==""#,
    );
}

#[test]
fn usage_is_told_as_it_was_reported() {
    let usage = Usage {
        input_tokens: 10,
        output_tokens: 5,
        cached_input_tokens: 2,
        reasoning_tokens: 1,
        total_tokens: 15,
        cost_micros: 0,
        model: "m".to_owned(),
    };
    check_job(
        JobState::Running,
        0.0,
        Kind::Used(JobUsed { usage: Some(usage) }),
        "token_usage",
        r#""job_id":"7","attempt":1,"input_tokens":10,"output_tokens":5,"cached_input_tokens":2,"reasoning_tokens":1,"total_tokens":15,"cost_micros":0,"model":"m""#,
    );
}

#[test]
fn a_line_of_a_list_is_a_job_status() {
    let summary = JobSummary {
        job_id: "7".to_owned(),
        kind: "report".to_owned(),
        owner: "u1".to_owned(),
        project_id: String::new(),
        state: JobState::Failed.into(),
        attempt: 2,
        progress: Some(Progress { percent: 40.0, ..Progress::default() }),
        error: Some(fault()),
        create_time: Some(AT),
    };
    let encoded = Encoded::new(&event("job:7", "job.summary", event::Body::JobSummary(summary)));
    assert_eq!(encoded.name(), "job_status");
    assert_eq!(
        encoded.payload(),
        format!(
            r#"{{"job_id":"7","kind":"report","status":"failed","progress":40,"attempt":2,"error":"no \"room\"","error_code":"disk_full","owner":"u1","created_at":"2026-01-31T12:00:00.007Z",{TAIL}"#
        )
    );
}

#[test]
fn what_a_publisher_wrote_stays_byte_for_byte() {
    check_published("", br#"{"a":1.0,"a":2}"#, &format!(r#"{{"a":1.0,"a":2,{TAIL}"#));
    check_published(
        "application/json",
        b" {\n \"a\" : 1e3\n} ",
        &format!("{{\n \"a\" : 1e3,{TAIL}"),
    );
    check_published("application/json", b"{ }", &format!("{{{TAIL}"));
}

#[test]
fn other_content_is_base64_with_its_type() {
    check_published(
        "text/plain",
        b"hi",
        &format!(r#"{{"content_type":"text/plain","data_base64":"aGk=",{TAIL}"#),
    );
    check_published(
        "Application/JSON",
        b"{}",
        &format!(r#"{{"content_type":"Application/JSON","data_base64":"e30=",{TAIL}"#),
    );
}

#[test]
fn content_that_is_not_what_it_claims_still_gives_one_object() {
    check_published("", b"{", &format!(r#"{{"content_type":"","data_base64":"ew==",{TAIL}"#));
    check_published("", b"[1]", &format!("{{{TAIL}"));
}

#[test]
fn an_event_name_is_quoted_as_json() {
    let mut published = event("job:7", "a\"b", event::Body::Payload(Payload::default()));
    published.r#type = "a\"b".to_owned();
    assert!(
        Encoded::new(&published).spellings().packet(Namespace::Root).starts_with(r#"["a\"b",{"#)
    );
}

#[test]
fn the_answer_to_a_join_has_the_seeds_fields_and_the_envelope() {
    let job = Job {
        job_id: "7".to_owned(),
        kind: "report".to_owned(),
        state: JobState::Cancelling.into(),
        attempt: 1,
        trace_id: "t".to_owned(),
        ..Job::default()
    };
    let payload = job_status_of_job("job:7", "c9", &job, "Subscribed to job 7");
    let fields: serde_json::Map<_, _> = serde_json::from_str(&payload).unwrap();
    for (name, value) in [
        ("job_id", "7"),
        ("status", "running"),
        ("message", "Subscribed to job 7"),
        ("topic", "job:7"),
        ("cursor", "c9"),
        ("event_id", "snapshot:7:c9"),
        ("trace_id", "t"),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
    assert_eq!(fields["progress"], 0);
    assert_eq!(fields["cancel_requested"], true);
}

#[test]
fn instants_have_milliseconds_always() {
    assert_eq!(rfc3339(&Timestamp { seconds: 0, nanos: 0 }), "1970-01-01T00:00:00.000Z");
    assert_eq!(rfc3339(&Timestamp { seconds: 0, nanos: 120_000_000 }), "1970-01-01T00:00:00.120Z");
    assert_eq!(rfc3339(&AT), "2026-01-31T12:00:00.007Z");
}

#[test]
fn a_seal_survives_whatever_it_is_given() {
    let envelope = Envelope {
        topic: "t",
        cursor: "c",
        event_id: "e",
        trace_id: "",
        timestamp: "n".to_owned(),
    };
    for object in ["{}", "{\"a\":{}}", "{\"a\":\"}\"}", "", "{ }\n"] {
        serde_json::from_str::<serde_json::Map<_, _>>(&envelope.seal(object)).unwrap();
    }
}
