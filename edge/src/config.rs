//! What an edge is told: flag, then `ROOMCAST_…` variable, then TOML file, then default.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use roomcast_identity::{Secret, UserKeysConfig};

const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
const CORE: &str = "http://127.0.0.1:50051";
/// Connections at once: at about 30 KB each this is 600 MB.
const CONNECTIONS_MAX: usize = 20_000;
const DRAIN_SECONDS: u64 = 5;

/// Settings of an edge.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Edge")]
pub struct Config {
    /// Address to serve browsers on.
    #[arg(long, env = "ROOMCAST_LISTEN", default_value_t = LISTEN, value_name = "ADDR")]
    pub listen: SocketAddr,

    /// URL of a core; several, separated by commas, are used in turn and dead ones are passed over.
    #[arg(long = "core", env = "ROOMCAST_CORE", value_delimiter = ',', default_value = CORE, value_name = "URL")]
    pub cores: Vec<String>,

    /// PEM file of the authority that signed the cores' certificates, for https URLs.
    #[arg(long, env = "ROOMCAST_CORE_CA", value_name = "FILE")]
    pub core_ca: Option<PathBuf>,

    /// PEM file of this edge's own certificate, for cores that ask for one.
    #[arg(long, env = "ROOMCAST_CORE_CERT", value_name = "FILE", requires = "core_key")]
    pub core_cert: Option<PathBuf>,

    /// PEM file of the certificate's key.
    #[arg(long, env = "ROOMCAST_CORE_KEY", value_name = "FILE", requires = "core_cert")]
    pub core_key: Option<PathBuf>,

    /// HS256 secret of users' tokens, at least 32 bytes; two, separated by a comma, during a rotation.
    #[arg(
        long,
        env = "ROOMCAST_JWT_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    pub jwt_secret: Vec<Secret>,

    /// Where the issuer publishes its public keys.
    #[arg(long, env = "ROOMCAST_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,

    /// What a token's `iss` must be.
    #[arg(long, env = "ROOMCAST_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,

    /// What a token's `aud` must be or contain.
    #[arg(long, env = "ROOMCAST_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// Whether a user must show a token. With `dev` a missing token is the user `dev`, an
    /// administrator; a bad token is refused either way.
    #[arg(long, env = "ROOMCAST_AUTH", value_enum, default_value_t = AuthMode::Required)]
    pub auth: AuthMode,

    /// The token that this edge shows to the core.
    #[arg(long, env = "ROOMCAST_SERVICE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub service_token: Option<ServiceToken>,

    /// The services' secret: this edge mints its own short-lived tokens with it.
    #[arg(
        long,
        env = "ROOMCAST_SERVICE_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    pub service_secret: Vec<Secret>,

    /// Origins of pages that may connect, besides the edge's own, separated by commas.
    #[arg(long, env = "ROOMCAST_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,

    /// One more origin: where the application's pages are served.
    #[arg(long, env = "FRONTEND_URL", value_name = "ORIGIN")]
    pub frontend_url: Option<String>,

    /// Whether browsers are served over Socket.IO; REST and server-sent events work without it.
    #[arg(long, env = "ROOMCAST_SOCKETIO", value_enum, default_value_t = Switch::On)]
    pub socketio: Switch,

    /// Whether events go to WebSockets as frames that are encoded once for all, and live ones without
    /// a task for each socket. Off, every socket gets packets of its own.
    #[arg(long, env = "ROOMCAST_LANE", value_enum, default_value_t = Switch::On)]
    pub lane: Switch,

    /// Development: the usual local origins are allowed, and debugging routes are open.
    #[arg(long, env = "ROOMCAST_DEV")]
    pub dev: bool,

    /// Connections at once; more are answered 429.
    #[arg(long, env = "ROOMCAST_CONNECTIONS_MAX", default_value_t = CONNECTIONS_MAX, value_name = "COUNT")]
    pub connections_max: usize,

    /// Seconds over which connections are closed at shutdown, so that they do not all come back at once.
    #[arg(long, env = "ROOMCAST_DRAIN_SECONDS", default_value_t = DRAIN_SECONDS, value_name = "SECONDS")]
    pub drain_seconds: u64,
}

/// Whether users must show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// Without a token nobody comes in.
    Required,
    /// Without a token everybody is the user `dev`.
    Dev,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// A credential that `Debug` shows nothing of.
#[derive(Clone)]
pub struct ServiceToken(String);

impl ServiceToken {
    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for ServiceToken {
    fn from(token: String) -> Self {
        Self(token.trim().to_owned())
    }
}

impl std::fmt::Debug for ServiceToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ServiceToken([redacted])")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            cores: vec![CORE.to_owned()],
            core_ca: None,
            core_cert: None,
            core_key: None,
            jwt_secret: Vec::new(),
            jwks_url: None,
            jwt_issuer: None,
            jwt_audience: None,
            auth: AuthMode::Required,
            service_token: None,
            service_secret: Vec::new(),
            allowed_origins: Vec::new(),
            frontend_url: None,
            socketio: Switch::On,
            lane: Switch::On,
            dev: false,
            connections_max: CONNECTIONS_MAX,
            drain_seconds: DRAIN_SECONDS,
        }
    }
}

impl Config {
    /// What users' tokens are verified with.
    #[must_use]
    pub fn user_keys(&self) -> UserKeysConfig {
        UserKeysConfig {
            secrets: self.jwt_secret.clone(),
            jwks_url: self.jwks_url.clone(),
            issuer: self.jwt_issuer.clone(),
            audience: self.jwt_audience.clone(),
            ..UserKeysConfig::default()
        }
    }

    /// How long connections are given to end at shutdown.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
