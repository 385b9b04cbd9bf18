//! Results as they are shown: as a line or block for people, as the REST surface's JSON for programs.

mod event;
mod graph;
mod job;
mod project;
mod published;
mod reset;
mod session;
mod snapshot;
mod topic;

pub(crate) use event::EventView;
pub(crate) use graph::{GraphView, KeptView, PerformedView, SaveLine};
pub(crate) use job::{JobLine, JobView};
pub(crate) use project::{MemberLine, ProjectLine};
pub(crate) use published::PublishedView;
pub(crate) use reset::ResetView;
pub(crate) use session::{SessionFrame, SessionLine, SessionView};
pub(crate) use snapshot::{JobFrame, SnapshotView};
pub(crate) use topic::TopicView;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use roomcast_proto::v1::Payload;
use serde::Serialize;
use serde_json::value::RawValue;

/// A user's own content: JSON as it was given, anything else as base64.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Json(&'a RawValue),
    Bytes { content_type: &'a str, data_base64: String },
}

impl<'a> Content<'a> {
    fn of(payload: &'a Payload) -> Self {
        let is_json = matches!(payload.content_type.as_str(), "" | "application/json");
        let json = is_json.then(|| serde_json::from_slice(&payload.data).ok()).flatten();
        json.map_or_else(
            || Content::Bytes {
                content_type: &payload.content_type,
                data_base64: BASE64_STANDARD.encode(&payload.data),
            },
            Content::Json,
        )
    }
}

/// An empty text of the contract is no text.
fn text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}
