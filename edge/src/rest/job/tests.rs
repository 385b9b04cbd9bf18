use prost_types::Timestamp;
use roomcast_proto::v1::{Fault, JobCancelRequested, Payload, Progress};
use serde_json::{Value, json};

use super::*;

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn json_of(job: &Message) -> Value {
    serde_json::to_value(Job::of(job)).unwrap()
}

fn message(state: JobState) -> Message {
    Message { job_id: "j".into(), state: state.into(), run_at: at(0), ..Message::default() }
}

#[test]
fn states_are_told_in_the_five_words() {
    let scheduled = json_of(&message(JobState::Scheduled));
    assert_eq!(scheduled["status"], "queued");
    assert_eq!(scheduled["run_at"], "1970-01-01T00:00:00.000Z");
    let cancelling = json_of(&Message {
        cancel_requested: Some(JobCancelRequested::default()),
        ..message(JobState::Cancelling)
    });
    assert_eq!(cancelling["status"], "running");
    assert_eq!(cancelling["cancel_requested"], true);
    assert_eq!(cancelling["run_at"], Value::Null);
    for (state, word) in [
        (JobState::Queued, "queued"),
        (JobState::Running, "running"),
        (JobState::Completed, "completed"),
        (JobState::Failed, "failed"),
        (JobState::Cancelled, "cancelled"),
    ] {
        assert_eq!(json_of(&message(state))["status"], word);
    }
}

#[test]
fn input_and_result_keep_their_bytes() {
    let own = br#"{ "z" : 1.10, "a": 123456789012345678901234567890, "t": "\u00e9\/" }"#;
    let payload =
        |data: &'static [u8]| Some(Payload { content_type: String::new(), data: data.into() });
    let job = Message {
        input: payload(own),
        result: payload(b"[ 1e2 ]"),
        ..message(JobState::Completed)
    };
    let text = serde_json::to_string(&Job::of(&job)).unwrap();
    assert!(text.contains(&format!("\"input\":{}", std::str::from_utf8(own).unwrap())), "{text}");
    assert!(text.contains("\"result\":[ 1e2 ]"), "{text}");
}

#[test]
fn content_that_is_no_json_is_base64() {
    let payload = Payload { content_type: "image/png".into(), data: vec![1, 2].into() };
    let job = Message { result: Some(payload), ..message(JobState::Completed) };
    let expected = json!({ "content_type": "image/png", "data_base64": "AQI=" });
    assert_eq!(json_of(&job)["result"], expected);
}

#[test]
fn progress_is_a_plain_number() {
    let progress = |percent: f64| {
        let progress = Progress { percent, stage: "build".into(), ..Progress::default() };
        let job = Message { progress: Some(progress), ..message(JobState::Running) };
        serde_json::to_string(&Job::of(&job)).unwrap()
    };
    assert!(progress(45.0).contains("\"progress\":45,"));
    assert!(progress(45.5).contains("\"progress\":45.5,"));
    assert!(progress(0.0).contains("\"stage\":\"build\""));
}

#[test]
fn a_failure_is_a_text_and_a_code() {
    let fault = Fault { code: "no_worker".into(), message: "nobody came".into(), retryable: false };
    let failed = json_of(&Message { error: Some(fault), ..message(JobState::Failed) });
    assert_eq!(
        (&failed["error"], &failed["error_code"]),
        (&json!("nobody came"), &json!("no_worker"))
    );
}
