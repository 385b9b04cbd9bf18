//! What every route and socket of an edge shares. [`crate::app`] puts it together.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Auth, Rights},
    config::Config,
    connections::Connections,
    departures::Departures,
    feed::Feeds,
    listener::Caps,
    presence::Presence,
    upstream::Upstream,
};

/// The parts of an edge. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The settings.
    pub config: Arc<Config>,
    /// The core.
    pub upstream: Upstream,
    /// The topics followed.
    pub feeds: Feeds,
    /// Who is calling.
    pub auth: Auth,
    /// Who holds which rights here.
    pub rights: Rights,
    /// Who is in sessions and rooms here.
    pub presence: Presence,
    /// Who is connected over Socket.IO.
    pub connections: Connections,
    /// Event streams that each user follows here, by tenant and id.
    pub streams: Caps<(String, String)>,
    /// Whose connections were ended without a farewell.
    pub departures: Departures,
    /// Cancelled when the edge begins to shut down.
    pub draining: CancellationToken,
}

impl AppState {
    /// Whether the edge is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }
}
