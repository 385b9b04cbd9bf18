//! The way to the core, for every command that is its client.

use std::fmt;
use std::path::PathBuf;

use roomcast_client::{Builder, Client, ConnectError, Line, Tls, cores};
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;

use crate::failure::Failure;

pub(crate) use roomcast_client::client::call;

pub(crate) type Jobs = JobServiceClient<Line>;
pub(crate) type Broadcast = BroadcastServiceClient<Line>;
pub(crate) type Sessions = SessionServiceClient<Line>;

/// Where the core is, and what is shown to it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// URL of the core; several, separated by commas, stand in for each other
    #[arg(
        long = "core",
        env = "ROOMCAST_CORE",
        default_value = "http://127.0.0.1:50051",
        value_parser = urls,
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
    client: Client,
}

impl Connection {
    /// Connects, so that a core that is not there is told at once.
    pub(crate) async fn open(&self) -> Result<Core, Failure> {
        let client = self.builder()?.connect().await.map_err(|error| match error {
            ConnectError::Unreachable { url, reason } => Failure::Unavailable(format!(
                "no core answers at {url} ({}): start one with `roomcast dev`, or name another \
                 with --core or ROOMCAST_CORE",
                root_cause(&reason)
            )),
            wrong @ (ConnectError::NoCore | ConnectError::Address { .. }) => {
                Failure::Usage(wrong.to_string())
            }
        })?;
        Ok(Core { client })
    }

    /// Of several cores, the one that is looked at.
    pub(crate) fn first_url(&self) -> &str {
        self.url.split(',').next().unwrap_or_default().trim()
    }

    fn builder(&self) -> Result<Builder, Failure> {
        let identity = self.core_cert.as_deref().zip(self.core_key.as_deref());
        let tls = Tls::read(self.core_ca.as_deref(), identity);
        let tls = tls.map_err(|error| Failure::Usage(error.to_string()))?;
        let mut builder = Client::builder().cores(self.url.split(',').map(str::trim)).tls(tls);
        if let Some(token) = &self.token {
            builder = builder.token(token.reveal());
        }
        if let Some(token) = &self.service_token {
            builder = builder.service_token(token.reveal());
        }
        Ok(builder)
    }
}

/// The URLs of cores, each of which must be one.
fn urls(text: &str) -> Result<String, String> {
    text.split(',').try_for_each(|one| cores::url(one).map(drop))?;
    Ok(text.to_owned())
}

/// What the layers of a connection have at their bottom, such as "connection refused".
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let deepest = std::iter::successors(Some(error), |error| error.source()).last();
    deepest.unwrap_or(error).to_string()
}

impl Core {
    /// Jobs, with the user's eyes.
    pub(crate) fn jobs(&self) -> Jobs {
        self.client.jobs()
    }

    pub(crate) fn broadcast(&self) -> Broadcast {
        self.client.broadcast()
    }

    pub(crate) fn sessions(&self) -> Sessions {
        self.client.sessions()
    }

    /// A way to call what the contract does not have, such as health.
    pub(crate) fn channel(&self) -> Line {
        self.client.line()
    }

    /// Publishing and work, as programs do them.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}
