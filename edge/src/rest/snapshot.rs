//! A topic's state at the beginning of a stream, and after a reset.

use roomcast_proto::v1::{JoinResponse, ResetReason, join_response::Snapshot};
use serde::Serialize;
use serde_json::value::RawValue;

use super::job::Job;
use crate::names::{
    Envelope, LastEvent, SessionSnapshot, job_status_of_summary, now, reset_reason,
};

/// `{snapshot, …}`, and `{reason, snapshot, …}` after a reset: one payload like any event's.
pub(super) fn payload(response: &JoinResponse, reset: Option<ResetReason>) -> String {
    let lines = lines(response);
    let state = State { reason: reset.map(reset_reason), snapshot: Shape::of(response, &lines) };
    let object = serde_json::to_string(&state).unwrap_or_else(|_| "{}".to_owned());
    let kind = if reset.is_some() { "reset" } else { "snapshot" };
    let event_id = format!("{kind}:{}:{}", response.topic, response.cursor);
    let envelope = Envelope {
        topic: &response.topic,
        cursor: &response.cursor,
        event_id: &event_id,
        trace_id: "",
        timestamp: now(),
    };
    envelope.seal(&object)
}

#[derive(Debug, Serialize)]
struct State<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    snapshot: Option<Shape<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape<'a> {
    /// Of a job's topic: the job.
    Job(Box<Job<'a>>),
    /// Of a user's or project's topic: a `job_status` for each.
    Jobs(Vec<&'a RawValue>),
    /// Of a room: the last event of each type.
    Events(Vec<LastEvent<'a>>),
    /// Of a session: all that its events build on.
    Session(Box<SessionSnapshot<'a>>),
}

impl<'a> Shape<'a> {
    fn of(response: &'a JoinResponse, lines: &'a [String]) -> Option<Self> {
        match response.snapshot.as_ref()? {
            Snapshot::Job(job) => Some(Self::Job(Box::new(Job::of(job)))),
            Snapshot::Jobs(_) => {
                let jobs = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
                Some(Self::Jobs(jobs.collect()))
            }
            Snapshot::LastValues(last) => {
                Some(Self::Events(last.events.iter().map(LastEvent::of).collect()))
            }
            Snapshot::Session(session) => {
                SessionSnapshot::of(session).map(|session| Self::Session(Box::new(session)))
            }
        }
    }
}

fn lines(response: &JoinResponse) -> Vec<String> {
    let (topic, cursor) = (response.topic.as_str(), response.cursor.as_str());
    match &response.snapshot {
        Some(Snapshot::Jobs(list)) => {
            let line = |job| job_status_of_summary(topic, (cursor, cursor), job);
            list.jobs.iter().map(line).collect()
        }
        Some(Snapshot::Job(_) | Snapshot::LastValues(_) | Snapshot::Session(_)) | None => {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::{
        Event, Graph, Job as Message, LastValues, Node, Payload, Session,
        SessionSnapshot as SessionState, event,
    };
    use serde_json::{Value, json};

    use super::*;

    fn told(snapshot: Snapshot, reset: Option<ResetReason>) -> Value {
        let response = JoinResponse {
            topic: "room:a".into(),
            cursor: "c".into(),
            snapshot: Some(snapshot),
            ..JoinResponse::default()
        };
        serde_json::from_str(&payload(&response, reset)).unwrap()
    }

    #[test]
    fn a_rooms_snapshot_names_the_type_of_each_value() {
        let content = Payload { content_type: String::new(), data: "{\"x\":1}".into() };
        let event = Event {
            r#type: "level".into(),
            event_id: "e1".into(),
            cursor: "c1".into(),
            body: Some(event::Body::Payload(content)),
            ..Event::default()
        };
        let told = told(Snapshot::LastValues(LastValues { events: vec![event] }), None);
        assert_eq!(told["snapshot"]["events"][0]["type"], "level");
        assert_eq!(told["snapshot"]["events"][0]["event_id"], "e1");
        assert_eq!(told["snapshot"]["events"][0]["data"]["x"], 1);
        assert_eq!(told["snapshot"]["events"][0]["data"]["cursor"], "c1");
        assert_eq!((&told["topic"], &told["cursor"]), (&json!("room:a"), &json!("c")));
        assert_eq!(told.get("reason"), None);
    }

    #[test]
    fn a_sessions_snapshot_has_its_graphs_with_values_as_they_were_written() {
        let properties = [("k".to_owned(), "1.0".to_owned())].into();
        let node = Node { node_id: "n".into(), properties, ..Node::default() };
        let graph = Graph { name: "main".into(), nodes: vec![node], ..Graph::default() };
        let session = Session { session_id: "s".into(), ..Session::default() };
        let state = SessionState {
            session: Some(session),
            graphs: vec![graph],
            participant_count: 1,
            ..SessionState::default()
        };
        let response =
            JoinResponse { snapshot: Some(Snapshot::Session(state)), ..JoinResponse::default() };
        let text = payload(&response, None);
        assert!(text.contains(r#""properties":{"k":1.0}"#), "{text}");
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["snapshot"]["session"]["session_id"], "s");
        assert_eq!(told["snapshot"]["session"]["graphs"][0]["nodes"][0]["node_id"], "n");
        assert_eq!(told["snapshot"]["session"]["participant_count"], 1);
    }

    #[test]
    fn a_reset_brings_its_reason_and_the_state() {
        let job = Message { job_id: "j".into(), ..Message::default() };
        let told = told(Snapshot::Job(job), Some(ResetReason::Trimmed));
        assert_eq!(told["reason"], "trimmed");
        assert_eq!(told["snapshot"]["job"]["job_id"], "j");
    }
}
