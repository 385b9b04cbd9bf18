//! The dashboard: rooms that are seen together. Every socket of `/` is shown those that it may read when
//! it comes in. The right to them comes with the right to come in, so that it costs no call of its own.

use std::collections::BTreeMap;

use roomcast_proto::dashboard;

use crate::auth::{Hold, Readable};

/// The name of them together.
pub(super) const TOPIC: &str = "room:dashboard";

/// What a socket is to be shown.
#[derive(Debug)]
pub(super) struct View {
    /// What the core said of the rooms: nothing yet, where it did not answer.
    pub(super) readable: Option<Readable>,
    /// The right to each, by its full name: held since before the core was asked.
    pub(super) holds: Vec<(String, Hold)>,
    /// Where the client was in them.
    pub(super) cursors: BTreeMap<String, String>,
}

/// The full names of the rooms.
pub(super) fn topics() -> impl Iterator<Item = String> {
    dashboard::VIEWED.iter().map(|room| format!("room:{room}"))
}

/// Whether a topic is the one of this room.
pub(super) fn is_of(topic: &str, room: &str) -> bool {
    topic.strip_prefix("room:") == Some(room)
}
