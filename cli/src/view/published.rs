//! An event that is durable.

use std::fmt;

use roomcast_proto::v1::Published;
use serde::Serialize;

/// Where a published event stands.
#[derive(Debug, Serialize)]
pub(crate) struct PublishedView<'a> {
    event_id: &'a str,
    cursor: &'a str,
    offset: u64,
}

impl<'a> PublishedView<'a> {
    pub(crate) fn of(published: &'a Published) -> Self {
        let Published { event_id, cursor, offset } = published;
        Self { event_id, cursor, offset: *offset }
    }
}

impl fmt::Display for PublishedView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "offset {}  event {}  cursor {}", self.offset, self.event_id, self.cursor)
    }
}
