//! A topic's log, read to its end: by the core's own door, and as REST shows it.

use roomcast_proto::v1::job_event::Kind;
use roomcast_proto::v1::{Event as Message, ListEventsRequest, event::Body};
use serde_json::Value;

use super::grpc::Broadcast;
use super::rest::Rest;
use crate::checker::Event;

/// The largest page.
const PAGE: i32 = 1000;
/// Fields that delivery adds to a payload.
const ENVELOPE: [&str; 5] = ["topic", "cursor", "event_id", "trace_id", "timestamp"];

/// A topic's log over gRPC.
pub(crate) async fn read_log(broadcast: &Broadcast, topic: &str) -> Vec<Event> {
    let mut log = Vec::new();
    let mut since = String::new();
    loop {
        let request = ListEventsRequest {
            topic: topic.to_owned(),
            since: since.clone(),
            page_size: PAGE,
            ..ListEventsRequest::default()
        };
        let page = broadcast.clone().list_events(request).await.expect("a page").into_inner();
        assert_eq!(page.reset, None, "a page's own cursor can be followed");
        log.extend(page.events.iter().map(event));
        if page.cursor == page.head {
            return log;
        }
        since = page.cursor;
    }
}

fn event(message: &Message) -> Event {
    let is_end = matches!(
        &message.body,
        Some(Body::Job(job))
            if matches!(job.kind, Some(Kind::Completed(_) | Kind::Failed(_) | Kind::Cancelled(_)))
    );
    Event {
        offset: message.offset,
        cursor: message.cursor.clone(),
        content: content(message),
        is_end,
    }
}

/// What an event says: a payload's own text, or the whole of an event of ours.
pub(crate) fn content(message: &Message) -> String {
    match &message.body {
        Some(Body::Payload(payload)) => String::from_utf8_lossy(&payload.data).into_owned(),
        body => format!("{body:?}"),
    }
}

/// A topic's log as browsers know it, whose first event must still be there.
pub(crate) async fn read_log_by_rest(rest: &Rest, topic: &str) -> Vec<Event> {
    let mut log = Vec::new();
    let mut since = String::new();
    loop {
        let path = format!("/topics/{topic}/events?limit={PAGE}&since={since}");
        let page = rest.get(&path).await.ok(200);
        for logged in page["events"].as_array().expect("a list") {
            let kind = logged["type"].as_str().unwrap_or_default();
            log.push(Event {
                offset: log.len() as u64 + 1,
                cursor: logged["cursor"].as_str().expect("a cursor").to_owned(),
                content: named(logged["name"].as_str().expect("a name"), &logged["data"]),
                is_end: ["job.completed", "job.failed", "job.cancelled"].contains(&kind),
            });
        }
        if page["cursor"] == page["head"] {
            return log;
        }
        since = page["cursor"].as_str().expect("a cursor").to_owned();
    }
}

/// A delivered event, in the same words as a logged one.
pub(crate) fn delivered(name: &str, payload: &Value) -> String {
    let mut own = payload.clone();
    if let Some(members) = own.as_object_mut() {
        members.retain(|field, _| !ENVELOPE.contains(&field.as_str()));
    }
    named(name, &own)
}

fn named(name: &str, data: &Value) -> String {
    format!("{name} {data}")
}
