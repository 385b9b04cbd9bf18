//! The way to the core, for every command that is its client.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use roomcast_runtime::trace::{TRACEPARENT, TraceContext};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::failure::Failure;

/// Metadata key of the caller's service token.
const SERVICE_TOKEN: &str = "x-roomcast-service";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a person at a terminal; the core answers in milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A stream that is silent because the core is gone must not look like one that has nothing to say.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// See [`KEEPALIVE_INTERVAL`].
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// A page of 200 jobs, each with a result; a session with all its graphs.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

pub(crate) type Jobs = JobServiceClient<InterceptedService<Channel, Credentials>>;
pub(crate) type Broadcast = BroadcastServiceClient<InterceptedService<Channel, Credentials>>;
pub(crate) type Sessions = SessionServiceClient<InterceptedService<Channel, Credentials>>;

/// Where the core is, and what is shown to it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// URL of the core
    #[arg(
        long = "core",
        env = "ROOMCAST_CORE",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub(crate) url: String,
    /// Your own token, which decides what you see
    #[arg(long, env = "ROOMCAST_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<Credential>,
    /// The token that opens the core's door to services and workers
    #[arg(long, env = "ROOMCAST_SERVICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) service_token: Option<Credential>,
    /// PEM file of the authority that signed the core's certificate, for https URLs
    #[arg(long, visible_alias = "ca", env = "ROOMCAST_CORE_CA", value_name = "FILE")]
    pub(crate) core_ca: Option<PathBuf>,
    /// PEM file of your own certificate, which opens the core's door like a service token
    #[arg(
        long,
        visible_alias = "cert",
        env = "ROOMCAST_CORE_CERT",
        value_name = "FILE",
        requires = "core_key"
    )]
    pub(crate) core_cert: Option<PathBuf>,
    /// PEM file of that certificate's key
    #[arg(
        long,
        visible_alias = "key",
        env = "ROOMCAST_CORE_KEY",
        value_name = "FILE",
        requires = "core_cert"
    )]
    pub(crate) core_key: Option<PathBuf>,
}

/// A token. `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct Credential(String);

impl Credential {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Credential {
    fn from(token: String) -> Self {
        Self(token.trim().to_owned())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credential([redacted])")
    }
}

/// The core, as far as this process's credentials reach.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    channel: Channel,
    credentials: Credentials,
}

impl Connection {
    /// Connects, so that a core that is not there is told at once.
    pub(crate) async fn open(&self) -> Result<Core, Failure> {
        let url = self.first_url();
        let channel = self.endpoint()?.connect().await.map_err(|_| {
            Failure::Unavailable(format!(
                "no core answers at {url}: start one with `roomcast dev`, or name another with \
                 --core or ROOMCAST_CORE"
            ))
        })?;
        Ok(Core { channel, credentials: self.credentials()? })
    }

    /// An edge may be given several cores; a client talks to the first.
    pub(crate) fn first_url(&self) -> &str {
        self.url.split(',').next().unwrap_or_default().trim()
    }

    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let url = self.first_url();
        let refused = |error| Failure::Usage(format!("`{url}` is no URL of a core: {error}"));
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(refused)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        if let Some(tls) = self.tls()? {
            endpoint = endpoint.tls_config(tls).map_err(refused)?;
        }
        Ok(endpoint)
    }

    /// Whom to trust, and what to show; nothing if neither is said.
    fn tls(&self) -> Result<Option<ClientTlsConfig>, Failure> {
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        if self.core_ca.is_none() && self.core_cert.is_none() {
            return Ok(None);
        }
        let mut tls = ClientTlsConfig::new();
        if let Some(authority) = &self.core_ca {
            tls = tls.ca_certificate(Certificate::from_pem(read(authority)?));
        }
        if let (Some(certificate), Some(key)) = (&self.core_cert, &self.core_key) {
            tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        Ok(Some(tls))
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let ascii = |text: String, name| {
            MetadataValue::try_from(text)
                .map_err(|_| Failure::Usage(format!("the {name} token is no token")))
        };
        let user = self.token.as_ref().map(|token| ascii(format!("Bearer {}", token.0), "user"));
        let service = self.service_token.as_ref().map(|token| ascii(token.0.clone(), "service"));
        Ok(Credentials {
            user: user.transpose()?,
            service: service.transpose()?,
            trace: TraceContext::generate(),
        })
    }
}

impl Core {
    /// Jobs, with the user's eyes.
    pub(crate) fn jobs(&self) -> Jobs {
        self.jobs_with(self.credentials.clone())
    }

    /// Jobs, with a worker's hands: beside a service token the user's own would only narrow the
    /// rights.
    pub(crate) fn work(&self) -> Jobs {
        let mut credentials = self.credentials.clone();
        if credentials.service.is_some() {
            credentials.user = None;
        }
        self.jobs_with(credentials)
    }

    pub(crate) fn broadcast(&self) -> Broadcast {
        BroadcastServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn sessions(&self) -> Sessions {
        SessionServiceClient::with_interceptor(self.channel.clone(), self.credentials.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For services that ask for no credentials.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn jobs_with(&self, credentials: Credentials) -> Jobs {
        JobServiceClient::with_interceptor(self.channel.clone(), credentials)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// A call that is answered once.
pub(crate) fn call<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// What goes with every call.
#[derive(Clone)]
pub(crate) struct Credentials {
    user: Option<MetadataValue<Ascii>>,
    service: Option<MetadataValue<Ascii>>,
    trace: TraceContext,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(user) = &self.user {
            metadata.insert("authorization", user.clone());
        }
        if let Some(service) = &self.service {
            metadata.insert(SERVICE_TOKEN, service.clone());
        }
        if let Ok(traceparent) = MetadataValue::try_from(self.trace.child().to_string()) {
            metadata.insert(TRACEPARENT, traceparent);
        }
        Ok(request)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("user", &self.user.is_some())
            .field("service", &self.service.is_some())
            .finish_non_exhaustive()
    }
}
