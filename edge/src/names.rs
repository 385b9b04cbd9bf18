//! What an event is called and how it looks in a browser. Every event of a log is encoded once, here,
//! and the same bytes go to every socket and every stream of server-sent events.
//!
//! Every payload is one JSON object that ends with `topic`, `cursor`, `event_id`, `trace_id` and
//! `timestamp`; what a publisher wrote stands before them byte for byte.

mod batch;
mod command;
mod content;
mod described;
mod encoded;
mod envelope;
mod graph;
mod job;
mod last_event;
mod message;
mod presence;
mod reported;
mod reset;
mod session;
mod session_event;
mod session_name;
mod session_state;
mod spelling;
mod status;
mod time;
mod usage;

pub use batch::Batch;
pub use command::{Command, Malformed, Performed};
pub use encoded::Encoded;
pub use envelope::Envelope;
pub use graph::Graph;
pub use job::status_word;
pub use session::{Session, SessionOutline, SessionSnapshot};
pub use status::{job_status_of_job, job_status_of_summary};
pub use time::{now, rfc3339};
pub use usage::Usage;

pub(crate) use command::{HistoryStep, NewCommand};
pub(crate) use content::Content;
pub(crate) use described::Described;
pub(crate) use last_event::LastEvent;
pub(crate) use reset::reset_reason;
pub(crate) use session::Participant;
pub(crate) use session_event::SessionFact;
pub(crate) use session_state::SessionState;
pub(crate) use spelling::Spellings;

use std::borrow::Cow;

use roomcast_proto::v1::{Event, SessionEvent, event};
use serde::Serialize;

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
        Some(event::Body::Job(job)) => job::body(&event.r#type, job),
        Some(event::Body::JobSummary(summary)) => status::body(summary),
        Some(event::Body::Payload(payload)) => {
            Body::plain(event.r#type.clone(), content::object(payload))
        }
        Some(event::Body::Session(fact)) => match event.topic.strip_prefix("room:") {
            Some(room) => presence::body(room, fact),
            None => session(event, fact),
        },
        None => Body::plain(event.r#type.clone(), "{}".to_owned()),
    }
}

/// As [`body`], in the form in which events are delivered: in the dashboard's rooms published content
/// comes with what it is about.
fn delivered(event: &Event) -> Body {
    let body = body(event);
    match &event.body {
        Some(event::Body::Payload(payload)) => match message::object(event, payload) {
            Some(object) => Body { object, ..body },
            None => body,
        },
        Some(event::Body::Job(_) | event::Body::JobSummary(_) | event::Body::Session(_)) | None => {
            body
        }
    }
}

/// An event of a session's: every one says of which.
fn session(event: &Event, fact: &SessionEvent) -> Body {
    #[derive(Serialize)]
    struct Object<'a> {
        session_id: &'a str,
        #[serde(flatten)]
        fact: Option<SessionFact<'a>>,
    }
    let session_id = event.topic.strip_prefix("session:").unwrap_or_default();
    let object = Object { session_id, fact: SessionFact::of(fact) };
    let object = serde_json::to_string(&object).unwrap_or_else(|_| "{}".to_owned());
    session_name::body(&event.r#type, object)
}

impl Body {
    /// An event that has one name everywhere.
    fn plain(name: impl Into<Cow<'static, str>>, object: String) -> Self {
        Self { name: name.into(), short: None, object }
    }
}

#[cfg(test)]
mod tests;
