//! Events for rooms and users.
//!
//! Every publish goes under an idempotency key, the caller's or one of its own, so it is tried again
//! when the core is away or an answer is lost, and never published twice.

mod dashboard;
mod publish;

use roomcast_proto::v1::Published;

pub use self::publish::{Publish, PublishBatch};
use crate::client::Client;
use crate::event::Event;

/// Publishes to the topics of one tenant. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    client: Client,
    tenant: String,
}

/// The name of an event that is durable.
pub type Receipt = Published;

impl Client {
    /// Publishes events.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher { client: self.clone(), tenant: String::new() }
    }
}

impl Publisher {
    /// The same for another tenant than `default`. Only services choose; a user's is the user's own.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Appends one event to a `room:` or `user:` topic, such as `room:metrics`. Await it: the answer
    /// comes when the event is durable.
    #[must_use = "a publish does nothing unless awaited"]
    pub fn publish(&self, topic: impl Into<String>, event: Event) -> Publish {
        Publish::new(self.clone(), topic.into(), event)
    }

    /// Appends up to 1,000 events, together at most 1 MiB: all of them, side by side, or none. Await it.
    #[must_use = "a publish does nothing unless awaited"]
    pub fn publish_batch(
        &self,
        topic: impl Into<String>,
        events: impl IntoIterator<Item = Event>,
    ) -> PublishBatch {
        PublishBatch::new(self.clone(), topic.into(), events.into_iter().collect())
    }
}
