//! What the outside saw.

use std::collections::BTreeMap;

/// A run, recorded. Times are nanoseconds on the one clock of the recorder.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Every publish that was tried.
    pub(crate) publishes: Vec<Publish>,
    /// Every topic's log, as it was read at the end, in the order it came.
    pub(crate) logs: BTreeMap<String, Vec<Event>>,
    /// Every subscriber's stream.
    pub(crate) streams: Vec<Stream>,
}

/// One publish. Repeating it with its idempotency key is still one.
#[derive(Debug, Clone)]
pub(crate) struct Publish {
    pub(crate) topic: String,
    /// Unique in the run.
    pub(crate) content: String,
    /// When it was first tried.
    pub(crate) started_at: u64,
    pub(crate) outcome: Outcome,
}

/// How a publish ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was acknowledged.
    Acked { at: u64, offset: u64, cursor: String },
    /// It was refused for good.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// An event in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) offset: u64,
    pub(crate) cursor: String,
    pub(crate) content: String,
    /// Whether it ends its job.
    pub(crate) is_end: bool,
}

/// What one application received of one topic, over all its connections.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) who: String,
    pub(crate) topic: String,
    /// The offset that the first event must follow, if the application knew it.
    pub(crate) after: Option<u64>,
    pub(crate) entries: Vec<Entry>,
    /// Whether it was followed until all was delivered.
    pub(crate) is_complete: bool,
}

/// One thing an application received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// An event, known by its cursor.
    Event { cursor: String, content: String },
    /// It was told that it missed events and stands here.
    Reset { cursor: String },
}
