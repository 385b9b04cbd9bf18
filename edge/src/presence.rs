//! Who is in sessions and rooms through this edge, as the core is told.
//!
//! Whoever follows a topic that is told who is there has a [`Stay`]; dropping it is leaving. The
//! [`register`] counts the stays of each user in each topic, and one task ([`announcer`]) says to the
//! core what has changed, together for all topics, that the edge lives, and who is connected to it
//! ([`parts`]). The core decides what of it is news: nothing here waits for somebody to come back.

mod announcer;
mod parts;
mod register;

pub use register::Place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::register::Register;
use crate::{connections::Connections, upstream::Upstream};

/// Who is where. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Presence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Names this process: another one begins with nobody.
    edge_id: String,
    register: Mutex<Register>,
    /// Wakes the announcer when a number has changed.
    news: Notify,
}

impl Default for Shared {
    fn default() -> Self {
        let edge_id = uuid::Uuid::now_v7().simple().to_string();
        Self { edge_id, register: Mutex::default(), news: Notify::default() }
    }
}

/// A connection of a user that is in a topic until this is dropped.
#[derive(Debug)]
#[must_use = "dropping it is leaving"]
pub struct Stay {
    presence: Presence,
    place: Place,
}

impl Presence {
    /// What this edge is announced as.
    #[must_use]
    pub fn edge_id(&self) -> &str {
        &self.0.edge_id
    }

    /// One more connection of a user is in a topic. None where the edge counts as many as it may: who
    /// comes beyond takes part, and is not told.
    pub fn enter(&self, place: Place) -> Option<Stay> {
        let is_counted = self.register().enter(&place);
        if !is_counted {
            metrics::counter!("roomcast_edge_limits_hit_total", "limit" => "presence").increment(1);
            return None;
        }
        self.0.news.notify_one();
        Some(Stay { presence: self.clone(), place })
    }

    /// Tells the core until `stop`, and that everybody has gone then; and who is connected.
    pub async fn run(self, connections: Connections, upstream: Upstream, stop: CancellationToken) {
        announcer::run(&self, connections, &upstream, &stop).await;
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.presence.register().leave(&self.place);
        self.presence.0.news.notify_one();
    }
}
