//! Settings of an agent.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use roomcast_client::{Client, Tls};
use roomcast_runtime::settings::TABLE;
use uuid::Uuid;

use crate::model::ModelConfig;
use crate::workspace::{self, Workspaces};

/// Where a core of this machine listens.
const CORE: &str = "http://127.0.0.1:50051";
/// Test runs and answers of models mostly wait; more at once would slow each other down.
const SLOTS: u32 = 16;
/// Well within the time that service managers give.
const DRAIN_SECONDS: u64 = 20;

/// All settings of an agent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Agent")]
pub struct Config {
    /// The way to the core.
    #[command(flatten)]
    pub connection: Connection,
    /// What it does.
    #[command(flatten)]
    pub duties: Duties,
}

/// The way to the core.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// URL of a core. Of several, separated by commas or given one by one, the agent uses one that
    /// answers.
    #[arg(long = "core", env = "ROOMCAST_CORE", value_delimiter = ',', default_value = CORE, value_parser = roomcast_client::cores::url, value_name = "URL")]
    pub cores: Vec<String>,

    /// The token that opens the core's door to services and workers.
    #[arg(long, env = "ROOMCAST_SERVICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub service_token: Option<ServiceToken>,

    /// PEM file of the authority that signed the cores' certificates, for https URLs.
    #[arg(long, env = "ROOMCAST_CORE_CA", value_name = "FILE")]
    pub core_ca: Option<PathBuf>,

    /// PEM file of the agent's own certificate, which opens the door like a service token.
    #[arg(long, env = "ROOMCAST_CORE_CERT", value_name = "FILE", requires = "core_key")]
    pub core_cert: Option<PathBuf>,

    /// PEM file of that certificate's key.
    #[arg(long, env = "ROOMCAST_CORE_KEY", value_name = "FILE", requires = "core_cert")]
    pub core_key: Option<PathBuf>,
}

/// What an agent does.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Agent")]
pub struct Duties {
    /// Name of this agent, which no other worker has [default: made at its start]
    #[arg(long, env = "ROOMCAST_AGENT_NAME", value_parser = NonEmptyStringValueParser::new(), value_name = "NAME")]
    pub agent_name: Option<String>,

    /// Jobs at once.
    #[arg(long, env = "ROOMCAST_AGENT_SLOTS", default_value_t = SLOTS, value_parser = clap::value_parser!(u32).range(1..=1024), value_name = "COUNT")]
    pub agent_slots: u32,

    /// How long jobs may go on at shutdown; what has not ended then goes back to the queue.
    #[arg(long, env = "ROOMCAST_AGENT_DRAIN_SECONDS", default_value_t = DRAIN_SECONDS, value_name = "SECONDS")]
    pub agent_drain_seconds: u64,

    /// Folders of projects and the test commands that may run there, as TOML with a table for each
    /// project.
    #[arg(long, env = "ROOMCAST_WORKSPACES", default_value = "", hide_default_value = true, value_parser = workspace::parse, value_hint = TABLE, value_name = "WORKSPACES")]
    pub workspaces: Workspaces,

    /// Who answers messages.
    #[command(flatten)]
    pub model: ModelConfig,
}

/// A service's token. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct ServiceToken(String);

impl Connection {
    /// A client that connects with its first call.
    ///
    /// # Errors
    /// When a file cannot be used, or a URL does not go with what is to be shown there.
    pub fn client(&self) -> anyhow::Result<Client> {
        let identity = self.core_cert.as_deref().zip(self.core_key.as_deref());
        let tls = Tls::read(self.core_ca.as_deref(), identity)?;
        let mut builder = Client::builder().cores(&self.cores).tls(tls);
        if let Some(ServiceToken(token)) = &self.service_token {
            builder = builder.service_token(token.as_str());
        }
        Ok(builder.connect_lazy()?)
    }
}

impl Duties {
    /// Whether there is anything that this agent could do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.workspaces.is_empty() && self.model.model.is_none()
    }

    /// With a folder for a model that is configured without workspaces.
    #[must_use]
    pub fn at_home(mut self, folder: PathBuf) -> Self {
        if self.workspaces.is_empty() && self.model.model.is_some() {
            self.workspaces = Workspaces::only(folder);
        }
        self
    }

    pub(crate) fn worker_id(&self) -> String {
        self.agent_name.clone().unwrap_or_else(|| format!("agent-{}", Uuid::new_v4()))
    }
}

impl From<&str> for ServiceToken {
    fn from(token: &str) -> Self {
        Self(token.trim().to_owned())
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServiceToken([redacted])")
    }
}
