//! What one client's application received of a topic, for the checker.

use std::time::Duration;

use serde_json::Value;

use super::eventually::within;
use super::log_reader::delivered;
use super::socket::Socket;
use crate::checker::{Entry, Event, Stream};

/// The client is back and has read all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a socket has the last event of a topic's log. Answers all that it received of it.
pub(crate) async fn followed_to_the_end(
    socket: &Socket,
    topic: &str,
    who: &str,
    after: Option<u64>,
    log: &[Event],
) -> Stream {
    let head = log.last().expect("a log with events").cursor.as_str();
    let is_head = |(_, payload): &(String, Value)| payload["cursor"] == head;
    let events = within(PATIENCE, &format!("{who} is at the head"), async || {
        let events = socket.events();
        events.iter().any(is_head).then_some(events)
    })
    .await;
    // A snapshot would be `job_status`: no resume may need one beyond the first join.
    let statuses = events.iter().filter(|(name, _)| name == "job_status").count();
    assert!(statuses <= 1, "{who} got {statuses} snapshots");
    assert!(events.iter().all(|(name, _)| !["reset", "error"].contains(&name.as_str())), "{who}");
    let of_topic =
        events.iter().filter(|(name, payload)| payload["topic"] == topic && name != "job_status");
    let entries = of_topic.map(|(name, payload)| Entry::Event {
        cursor: payload["cursor"].as_str().expect("a cursor").to_owned(),
        content: delivered(name, payload),
    });
    Stream {
        who: who.to_owned(),
        topic: topic.to_owned(),
        after,
        entries: entries.collect(),
        is_complete: true,
    }
}
