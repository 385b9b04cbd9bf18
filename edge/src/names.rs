//! What an event is called and how it looks in a browser. Every event of a log is encoded once, here,
//! and the same bytes go to every socket and every stream of server-sent events.
//!
//! Every payload is one JSON object that ends with `topic`, `cursor`, `event_id`, `trace_id` and
//! `timestamp`; what a publisher wrote stands before them byte for byte.

mod command;
mod content;
mod encoded;
mod envelope;
mod graph;
mod job;
mod session;
mod session_event;
mod status;
mod time;

pub use encoded::Encoded;
pub use envelope::Envelope;
pub use job::status_word;
pub use status::{job_status_of_job, job_status_of_summary};
pub use time::{now, rfc3339};
pub use command::{Command, Malformed, Performed};

pub(crate) use command::{HistoryStep, NewCommand};
pub use graph::Graph;
pub(crate) use content::Content;
pub use session::{Session, SessionOutline, SessionSnapshot};
pub(crate) use session::Participant;
pub(crate) use session_event::SessionFact;

use std::borrow::Cow;

use roomcast_proto::v1::{Event, event};

/// An event's wire name and its own fields as the text of one JSON object, without the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The wire name, such as `job_update`; for published content the publisher's own type.
    pub name: Cow<'static, str>,
    /// What namespace `/graph` calls it, if something else.
    pub short: Option<Cow<'static, str>>,
    /// The text of one JSON object.
    pub object: String,
}

/// The wire form of an event's content.
#[must_use]
pub fn body(event: &Event) -> Body {
    match &event.body {
        Some(event::Body::Job(job)) => job::body(job),
        Some(event::Body::JobSummary(summary)) => status::body(summary),
        Some(event::Body::Payload(payload)) => {
            Body::plain(event.r#type.clone(), content::object(payload))
        }
        Some(event::Body::Session(_)) | None => {
            Body::plain(event.r#type.clone(), "{}".to_owned())
        }
    }
}

impl Body {
    /// An event that has one name everywhere.
    fn plain(name: impl Into<Cow<'static, str>>, object: String) -> Self {
        Self { name: name.into(), short: None, object }
    }
}

#[cfg(test)]
mod tests;
