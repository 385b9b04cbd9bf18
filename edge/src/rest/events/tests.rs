use prost_types::Timestamp;
use roomcast_proto::v1::{
    self, JobEvent, JobStarted, Payload, ResetReason, event, job_event::Kind,
};
use serde_json::{Value, json};

use super::*;

fn event(body: event::Body) -> Event {
    Event {
        topic: "room:metrics".into(),
        offset: 7,
        cursor: "c7".into(),
        event_id: "e7".into(),
        r#type: "system_metrics_update".into(),
        time: Some(Timestamp { seconds: 1, nanos: 5_000_000 }),
        trace_id: "t".into(),
        body: Some(body),
    }
}

fn page(events: Vec<Event>, reset: Option<v1::Reset>) -> String {
    let response = ListEventsResponse { events, cursor: "c7".into(), head: "c9".into(), reset };
    serde_json::to_string(&EventPage::of(&response)).unwrap()
}

#[test]
fn published_content_keeps_its_bytes() {
    let own = r#"{ "cpu": 1.50, "big": 123456789012345678901, "a": "\u00e9" }"#;
    let payload = Payload { content_type: String::new(), data: own.into() };
    let text = page(vec![event(event::Body::Payload(payload))], None);
    assert!(text.contains(&format!("\"data\":{own}")), "{text}");
    let page: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(page["events"][0]["type"], "system_metrics_update");
    assert_eq!(page["events"][0]["timestamp"], "1970-01-01T00:00:01.005Z");
    assert_eq!((&page["cursor"], &page["head"]), (&json!("c7"), &json!("c9")));
    assert_eq!(page.get("reset"), None);
}

#[test]
fn a_jobs_event_is_told_by_its_type_and_its_wire_name() {
    let started = JobEvent {
        kind: Some(Kind::Started(JobStarted::default())),
        job_id: "j".into(),
        ..JobEvent::default()
    };
    let mut event = event(event::Body::Job(started));
    event.r#type = "job.started".into();
    let page: Value = serde_json::from_str(&page(vec![event], None)).unwrap();
    assert_eq!(page["events"][0]["type"], "job.started");
    assert_eq!(page["events"][0]["name"], "job_update");
    assert_eq!(page["events"][0]["data"]["job_id"], "j");
}

#[test]
fn a_reset_says_why() {
    let reset = v1::Reset { reason: ResetReason::Trimmed.into(), cursor: "c9".into(), offset: 9 };
    let page: Value = serde_json::from_str(&page(Vec::new(), Some(reset))).unwrap();
    assert_eq!(page["reset"], json!({ "reason": "trimmed", "cursor": "c9" }));
}
