//! A topic's head and retention.

use std::fmt;

use roomcast_proto::v1::GetTopicResponse;
use serde::Serialize;

/// What is kept of a topic, and for how long.
#[derive(Debug, Serialize)]
pub(crate) struct TopicView<'a> {
    topic: &'a str,
    head: &'a str,
    head_offset: u64,
    first_offset: u64,
    bytes: u64,
    retention: Retention,
}

/// A missing bound is none.
#[derive(Debug, Serialize)]
struct Retention {
    age_seconds: Option<i64>,
    events: Option<u64>,
    bytes: Option<u64>,
}

impl<'a> TopicView<'a> {
    pub(crate) fn of(topic: &'a GetTopicResponse) -> Self {
        let bound = |bound: u64| (bound > 0).then_some(bound);
        Self {
            topic: &topic.topic,
            head: &topic.head,
            head_offset: topic.head_offset,
            first_offset: topic.first_offset,
            bytes: topic.bytes,
            retention: Retention {
                age_seconds: topic.retention.as_ref().map(|age| age.seconds),
                events: bound(topic.retention_events),
                bytes: bound(topic.retention_bytes),
            },
        }
    }
}

impl fmt::Display for TopicView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: Option<String>| bound.unwrap_or_else(|| "no limit".to_owned());
        let Retention { age_seconds, events, bytes } = &self.retention;
        writeln!(formatter, "{:<10} {}", "topic", self.topic)?;
        writeln!(formatter, "{:<10} offset {}, cursor {}", "head", self.head_offset, self.head)?;
        writeln!(
            formatter,
            "{:<10} from offset {}, {} bytes",
            "kept", self.first_offset, self.bytes
        )?;
        write!(
            formatter,
            "{:<10} age {}, events {}, bytes {}",
            "retention",
            bound(age_seconds.map(|seconds| format!("{seconds} s"))),
            bound(events.map(|events| events.to_string())),
            bound(bytes.map(|bytes| bytes.to_string())),
        )
    }
}
