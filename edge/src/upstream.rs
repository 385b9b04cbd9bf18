//! The core seen from the edge: whichever of the cores is best, over `roomcast_client`'s way to them.
//!
//! The edge lives at one core: its streams are there, and its calls go there first. When that core is
//! killed, stands still or drains, the streams end and are opened again at another one, each from where
//! it is; calls that may be repeated go there by themselves.

mod backoff;
mod credential;
mod entry;
mod heard;
mod line;

pub use backoff::Backoff;
pub(crate) use backoff::{jittered, spread};
pub use credential::Credential;
pub use line::Line;

use std::time::Duration;

use roomcast_client::{
    Tls,
    cores::{AddressError, Cores, Known},
};
use roomcast_proto::v1::{
    access_service_client::AccessServiceClient, broadcast_service_client::BroadcastServiceClient,
    job_service_client::JobServiceClient, session_service_client::SessionServiceClient,
    user_service_client::UserServiceClient,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use self::{entry::Entry, heard::Heard};

/// Longest wait for the answer of one call: well under the 20 s after which a browser's own libraries
/// give up, and long enough for a group commit behind a slow disk.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Largest answer taken from the core: a page of events is at most 1 MiB, and a job carries at most an
/// input and a result of 1 MiB each.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest answer that holds a session: the core lets its graphs have 32 MiB of texts, and what stands
/// around a short text on the wire is as long again.
const SESSION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The name under which a core's health service tells whether it hears the others.
const BUS: &str = "roomcast.bus";

/// Calls about projects and sessions.
pub type Sessions = SessionServiceClient<Line>;

/// Why the upstream cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No core was named.
    #[error("no core is configured: set --core or ROOMCAST_CORE")]
    NoCore,
    /// An address is no URL, or its TLS settings are wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The cores, as clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    cores: Cores,
    line: Line,
}

impl Upstream {
    /// Connects to nothing yet: each connection is made when it is first used.
    ///
    /// # Errors
    /// [`Error`] when no address is given or one is not usable.
    pub fn new(addresses: &[String], tls: &Tls, credential: Credential) -> Result<Self, Error> {
        if addresses.is_empty() {
            return Err(Error::NoCore);
        }
        let cores = Cores::new(addresses, tls)?;
        let (heard, entry) = (Heard::default(), Entry::default());
        let line = Line { way: cores.way(), credential, heard, entry };
        Ok(Self { cores, line })
    }

    /// Notices what becomes of the cores and moves between them, until `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.cores.watch()).await;
    }

    /// The core said that it drains, or broke off: it is looked at before it is used again.
    pub(crate) fn doubt(&self) {
        self.cores.doubt_home();
    }

    /// What is known of each core, in the order of the settings.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        self.cores.known()
    }

    /// Why the core does not let this edge in, if it was that which it last answered.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.line.entry.refusal()
    }

    /// Whether the core that is used hears the others over the bus; none where it does not say.
    pub async fn hears_others(&self) -> Option<bool> {
        self.cores.health_of(BUS).await
    }

    /// Calls about jobs.
    #[must_use]
    pub fn jobs(&self) -> JobServiceClient<Line> {
        JobServiceClient::new(self.line.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about topics. Joining one may answer a whole session.
    #[must_use]
    pub fn broadcast(&self) -> BroadcastServiceClient<Line> {
        BroadcastServiceClient::new(self.line.clone())
            .max_decoding_message_size(SESSION_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about projects and sessions.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        SessionServiceClient::new(self.line.clone())
            .max_decoding_message_size(SESSION_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about who may come in.
    #[must_use]
    pub fn access(&self) -> AccessServiceClient<Line> {
        AccessServiceClient::new(self.line.clone())
    }

    /// Calls about registered users.
    #[must_use]
    pub fn users(&self) -> UserServiceClient<Line> {
        UserServiceClient::new(self.line.clone())
    }

    /// Changes of rights were heard up to this cursor: calls are decided by no older knowledge.
    pub(crate) fn has_heard(&self, cursor: &str) {
        self.line.heard.set(cursor);
    }

    /// The subscription stream.
    #[must_use]
    pub fn subscriber(&self) -> BroadcastServiceClient<Line> {
        BroadcastServiceClient::new(self.line.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }
}

/// Whether the core decided against the caller; anything else may be different another time.
pub(crate) fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::PermissionDenied | Code::Unauthenticated)
}
