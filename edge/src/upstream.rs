//! The core seen from the edge: one or several cores, each behind two connections.
//!
//! Unary calls and the subscription stream never share a connection: a stream that nobody reads for a
//! moment fills the connection's window, and every call on it would wait behind it.

mod backoff;
mod caller;
mod core;
mod credential;
mod heard;

pub use backoff::Backoff;
pub(crate) use backoff::{jittered, spread};
pub use caller::{CALL_DEADLINE, Caller};
pub use core::Line;
pub use credential::Credential;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use roomcast_proto::v1::{
    access_service_client::AccessServiceClient, broadcast_service_client::BroadcastServiceClient,
    job_service_client::JobServiceClient, session_service_client::SessionServiceClient,
    user_service_client::UserServiceClient,
};
use tonic::{Code, Status, transport::ClientTlsConfig};

use self::{core::Core, heard::Heard};

/// Largest answer taken from the core: a page of events is at most 1 MiB, and a job carries at most an
/// input and a result of 1 MiB each.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest answer that holds a session: the core lets its graphs have 32 MiB of texts, and what stands
/// around a short text on the wire is as long again.
const SESSION_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Calls about projects and sessions, of one core.
pub type Sessions = SessionServiceClient<Line>;

/// Why the upstream cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No core was named.
    #[error("no core is configured: set --core or ROOMCAST_CORE")]
    NoCore,
    /// An address is no URL, or its TLS settings are wrong.
    #[error("the core's address {0:?} is not usable: {1}")]
    Address(String, tonic::transport::Error),
}

/// The cores, as clients. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Upstream {
    cores: Arc<[Core]>,
    next: Arc<AtomicUsize>,
    heard: Heard,
}

impl Upstream {
    /// Connects to nothing yet: each connection is made when it is first used.
    ///
    /// # Errors
    /// [`Error`] when no address is given or one is not usable.
    pub fn new(
        addresses: &[String],
        tls: Option<&ClientTlsConfig>,
        credential: Credential,
    ) -> Result<Self, Error> {
        let heard = Heard::default();
        let cores = addresses
            .iter()
            .map(|address| {
                Core::new(address, tls, credential.clone(), heard.clone())
                    .map_err(|error| Error::Address(address.clone(), error))
            })
            .collect::<Result<Arc<[Core]>, Error>>()?;
        if cores.is_empty() {
            return Err(Error::NoCore);
        }
        Ok(Self { cores, next: Arc::default(), heard })
    }

    /// Calls about jobs.
    #[must_use]
    pub fn jobs(&self) -> JobServiceClient<Line> {
        JobServiceClient::new(self.pick().calls())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about topics. Joining one may answer a whole session.
    #[must_use]
    pub fn broadcast(&self) -> BroadcastServiceClient<Line> {
        BroadcastServiceClient::new(self.pick().calls())
            .max_decoding_message_size(SESSION_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about projects and sessions.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        SessionServiceClient::new(self.pick().calls())
            .max_decoding_message_size(SESSION_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Calls about who may come in.
    #[must_use]
    pub fn access(&self) -> AccessServiceClient<Line> {
        AccessServiceClient::new(self.pick().calls())
    }

    /// Calls about registered users.
    #[must_use]
    pub fn users(&self) -> UserServiceClient<Line> {
        UserServiceClient::new(self.pick().calls())
    }

    /// Changes of rights were heard up to this cursor: calls are decided by no older knowledge.
    pub(crate) fn has_heard(&self, cursor: &str) {
        self.heard.set(cursor);
    }

    /// The connection for the subscription stream alone.
    #[must_use]
    pub fn subscriber(&self) -> BroadcastServiceClient<Line> {
        BroadcastServiceClient::new(self.pick().stream())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX)
    }

    /// A core that answered last time it was asked, round robin; if none did, any.
    fn pick(&self) -> &Core {
        let now = Instant::now();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = |step: usize| &self.cores[(first.wrapping_add(step)) % self.cores.len()];
        (0..self.cores.len()).map(turn).find(|core| core.is_up(now)).unwrap_or_else(|| turn(0))
    }
}

/// Whether the core decided against the caller; anything else may be different another time.
pub(crate) fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::NotFound | Code::PermissionDenied | Code::Unauthenticated)
}

/// Longest wait for a connection to a core.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
