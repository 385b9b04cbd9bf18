//! The way to the core.

use std::time::Duration;

use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tonic::Request;

use crate::cores::{self, Cores};
use crate::error::ConnectError;
use crate::line::Line;
use crate::tls::Tls;
use crate::token::Token;

/// Longest wait for the answer of one call; the core answers in milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A page of 200 jobs, each with a result; a session with all its graphs.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// A core, as far as this program's credentials reach. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    line: Line,
}

impl Client {
    /// Says where the core is and what is shown to it.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Connects to one core that asks for no credentials, as in development on loopback.
    ///
    /// # Errors
    /// [`ConnectError`] when the URL is none or nobody answers there.
    pub async fn connect(url: impl Into<String>) -> Result<Client, ConnectError> {
        Self::builder().core(url).connect().await
    }

    /// The same core with the service's credential alone, where there is one: for work that a user's
    /// own rights would only narrow.
    #[must_use]
    pub fn as_service(&self) -> Client {
        Client { line: self.line.as_service() }
    }

    /// The same core, for calls that belong to the trace of this id, 32 hex digits, such as a job's
    /// `trace_id`. An id that is none leaves the client's own.
    #[must_use]
    pub fn traced(&self, trace_id: &str) -> Client {
        Client { line: self.line.traced(trace_id) }
    }

    /// The connection itself, for services that the contract does not have, such as health.
    #[must_use]
    pub fn line(&self) -> Line {
        self.line.clone()
    }

    /// Whether another call may go with another token.
    pub(crate) fn may_renew(&self) -> bool {
        self.line.may_renew()
    }

    /// Every call about jobs, as the contract has it.
    #[must_use]
    pub fn jobs(&self) -> JobServiceClient<Line> {
        JobServiceClient::new(self.line.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Every call about topics, as the contract has it.
    #[must_use]
    pub fn broadcast(&self) -> BroadcastServiceClient<Line> {
        BroadcastServiceClient::new(self.line.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Every call about projects and sessions, as the contract has it.
    #[must_use]
    pub fn sessions(&self) -> SessionServiceClient<Line> {
        SessionServiceClient::new(self.line.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// A request that is answered once: it fails when no answer comes within 30 s. Streams go without.
#[must_use]
pub fn call<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// The settings of a [`Client`].
#[derive(Debug, Clone, Default)]
pub struct Builder {
    cores: Vec<String>,
    token: Option<Token>,
    service_token: Option<Token>,
    tls: Tls,
}

impl Builder {
    /// Adds a core: a URL such as `http://127.0.0.1:50051`. Of several, the client lives at one and
    /// moves when that fails, see [`crate::cores`].
    #[must_use]
    pub fn core(mut self, url: impl Into<String>) -> Self {
        self.cores.push(url.into());
        self
    }

    /// Adds several cores, see [`Builder::core`].
    #[must_use]
    pub fn cores<U: Into<String>>(mut self, urls: impl IntoIterator<Item = U>) -> Self {
        self.cores.extend(urls.into_iter().map(Into::into));
        self
    }

    /// A user's own token, which decides what is visible.
    #[must_use]
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The token that opens the core's door to services and workers.
    #[must_use]
    pub fn service_token(mut self, token: impl Into<Token>) -> Self {
        self.service_token = Some(token.into());
        self
    }

    /// PEM of the authority that signed the core's certificate, for `https` URLs.
    #[must_use]
    pub fn authority(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.authority(pem);
        self
    }

    /// PEM of this program's own certificate and its key, which open the core's door like a service
    /// token.
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.identity(certificate, key);
        self
    }

    /// Both at once, such as [`Tls::read`] from files.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Connects, so that a core that is not there is told at once.
    ///
    /// # Errors
    /// [`ConnectError`] when a URL or the TLS settings are wrong, or no core takes a connection.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let mut last = Err(ConnectError::NoCore);
        for url in &self.cores {
            let endpoint = cores::endpoint(url, &self.tls)
                .map_err(|reason| ConnectError::Address { url: url.clone(), reason })?;
            last = endpoint
                .connect()
                .await
                .map_err(|reason| ConnectError::Unreachable { url: url.clone(), reason });
            if last.is_ok() {
                break;
            }
        }
        last?;
        self.connect_lazy()
    }

    /// Connects when the first call is made.
    ///
    /// # Errors
    /// [`ConnectError`] when a URL or the TLS settings are wrong.
    pub fn connect_lazy(self) -> Result<Client, ConnectError> {
        if self.cores.is_empty() {
            return Err(ConnectError::NoCore);
        }
        let cores = Cores::new(&self.cores, &self.tls)?;
        // It ends with the last clone of the client.
        tokio::spawn(cores.watch());
        Ok(Client { line: Line::new(cores.way(), self.token, self.service_token) })
    }
}
