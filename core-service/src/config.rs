//! What a core is told: flag, then `ROOMCAST_…` variable, then TOML file, then default.

mod bus_url;
pub mod rooms;
mod store_url;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use roomcast_identity::{Secret, UserKeysConfig};
use roomcast_runtime::bucket::Rate;
use roomcast_runtime::settings::TABLE;

pub use bus_url::{BusUrl, NotABus};
pub use store_url::{NotAStore, StoreUrl};

use crate::domain::access::Admission;
use crate::domain::job::limit;
use crate::domain::retention::Setting;
use crate::domain::room::Rooms;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50051);
/// All sockets of one user that come back at once, thousands with several topics each, join within the
/// burst.
const REQUESTS_PER_SECOND: u32 = 5000;
const REQUESTS_BURST: u32 = 20_000;
/// An edge, worker or service holds a few each: more than a thousand programs fit, and the descriptors of a
/// process (65,536 in the recipes) do not all go to whoever knocks.
const CONNECTIONS_MAX: u32 = 10_000;
const DRAIN_SECONDS: u64 = 10;

/// Settings of a core.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Core")]
pub struct Config {
    /// Address to serve gRPC on.
    #[arg(long = "listen", id = "core-listen", env = "ROOMCAST_CORE_LISTEN", default_value_t = LISTEN, value_name = "ADDR")]
    pub listen: SocketAddr,

    /// Folder of the embedded store. Made if it is missing; one core at a time.
    #[arg(long, env = "ROOMCAST_DATA_DIR", default_value = ".roomcast", value_name = "DIR")]
    pub data_dir: PathBuf,

    /// Where events and state are kept, if not in the data folder: `postgres://user:password@host/database`.
    #[arg(long, env = "ROOMCAST_STORE", hide_env_values = true, value_name = "URL")]
    pub store: Option<StoreUrl>,

    /// Who signed the database's certificate. With it, the database is spoken to over TLS.
    #[arg(long, env = "ROOMCAST_STORE_CA", value_name = "FILE")]
    pub store_ca: Option<PathBuf>,

    /// Where the cores on one database tell each other of commits: `redis://user:password@host:6379`.
    /// Without it they ask the database, several times a second.
    #[arg(long, env = "ROOMCAST_BUS", hide_env_values = true, value_name = "URL")]
    pub bus: Option<BusUrl>,

    /// Who signed the bus's certificate, for `rediss://`, if the system does not know them.
    #[arg(long, env = "ROOMCAST_BUS_CA", value_name = "FILE")]
    pub bus_ca: Option<PathBuf>,

    /// Address to serve `/metrics`, `/livez` and `/readyz` on. Without it there are none.
    #[arg(long, env = "ROOMCAST_CORE_METRICS_LISTEN", value_name = "ADDR")]
    pub core_metrics_listen: Option<SocketAddr>,

    /// HS256 secret of users' tokens, at least 32 bytes; two, separated by a comma, during a rotation.
    #[arg(
        long,
        id = "core-jwt-secret",
        env = "ROOMCAST_JWT_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    pub jwt_secret: Vec<Secret>,

    /// Where the issuer of users' tokens publishes its public keys.
    #[arg(long, id = "core-jwks-url", env = "ROOMCAST_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,

    /// What a user's token's `iss` must be.
    #[arg(long, id = "core-jwt-issuer", env = "ROOMCAST_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,

    /// What a user's token's `aud` must be or contain.
    #[arg(long, id = "core-jwt-audience", env = "ROOMCAST_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// HS256 secret of edges', workers' and services' tokens; two during a rotation.
    #[arg(
        long,
        id = "core-service-secret",
        env = "ROOMCAST_SERVICE_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    pub service_secret: Vec<Secret>,

    /// PEM file of the core's certificate: serve TLS.
    #[arg(long, env = "ROOMCAST_TLS_CERT", value_name = "FILE", requires = "core_tls_key")]
    pub core_tls_cert: Option<PathBuf>,

    /// PEM file of the certificate's key.
    #[arg(long, env = "ROOMCAST_TLS_KEY", value_name = "FILE", requires = "core_tls_cert")]
    pub core_tls_key: Option<PathBuf>,

    /// PEM file of the authority whose client certificates open the door like a service token.
    #[arg(long, env = "ROOMCAST_CLIENT_CA", value_name = "FILE", requires = "core_tls_cert")]
    pub core_client_ca: Option<PathBuf>,

    /// Rooms beside the dashboard's: names, separated by commas, that every user of a tenant may read; or
    /// TOML that says all of each, such as `alerts = { read = ["role:oncall"], publish = ["role:oncall"],
    /// merge = "last_value", presence = true, last = true }`.
    #[arg(long, env = "ROOMCAST_ROOMS", default_value = "", hide_default_value = true, value_parser = rooms::parse, value_hint = TABLE, value_name = "ROOMS")]
    pub rooms: Rooms,

    /// Who is let in: anybody with a valid token, or only users who are registered.
    #[arg(long, env = "ROOMCAST_USERS", value_enum, default_value_t = Users::Any)]
    pub users: Users,

    /// How long a kind of topic is kept, as KIND=age:24h,events:100000,bytes:256MiB; several are
    /// separated by semicolons. KIND is room, user, project, session or job (age after its end).
    #[arg(long, env = "ROOMCAST_RETENTION", value_delimiter = ';', value_name = "RETENTION")]
    pub retention: Vec<Setting>,

    /// How many jobs of a kind may be with workers at once, as KIND=all:8,each:2 (all together; each
    /// project, or owner where a job has no project); several are separated by semicolons.
    #[arg(long, env = "ROOMCAST_JOB_LIMITS", value_delimiter = ';', value_name = "LIMIT")]
    pub job_limits: Vec<limit::Setting>,

    /// Calls of one user in a second, in the long run, through whatever edges; more are refused with
    /// `rate_limited`. A service may call twenty times as often. 0 for no limit.
    #[arg(long, id = "core-requests-per-second", env = "ROOMCAST_CORE_REQUESTS_PER_SECOND", default_value_t = REQUESTS_PER_SECOND, value_name = "COUNT")]
    pub requests_per_second: u32,

    /// Calls of one user at once, after a pause.
    #[arg(long, id = "core-requests-burst", env = "ROOMCAST_CORE_REQUESTS_BURST", default_value_t = REQUESTS_BURST, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
    pub requests_burst: u32,

    /// Connections at once, of edges, workers and services; more are closed as they come.
    #[arg(long, id = "core-connections-max", env = "ROOMCAST_CORE_CONNECTIONS_MAX", default_value_t = CONNECTIONS_MAX, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
    pub connections_max: u32,

    /// Write a line to the log, target `roomcast::audit`, for every command on a graph: who, what, when
    /// and how it ended, never a value.
    #[arg(long, env = "ROOMCAST_AUDIT")]
    pub audit: bool,

    /// Development: whoever reaches the core needs no credential. Loopback only.
    #[arg(long, id = "core-dev", env = "ROOMCAST_DEV")]
    pub dev: bool,

    /// Answer reflection, so that grpcurl can list and describe.
    #[arg(long, env = "ROOMCAST_REFLECTION", default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub reflection: bool,

    /// Longest wait for calls under way at shutdown.
    #[arg(long, id = "core-drain-seconds", env = "ROOMCAST_CORE_DRAIN_SECONDS", default_value_t = DRAIN_SECONDS, value_name = "SECONDS")]
    pub drain_seconds: u64,
}

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Users {
    /// Anybody with a valid token.
    Any,
    /// Only those who are registered.
    Registered,
}

impl From<Users> for Admission {
    fn from(users: Users) -> Admission {
        match users {
            Users::Any => Admission::Any,
            Users::Registered => Admission::Registered,
        }
    }
}

impl Config {
    /// A core for development and tests: no credential needed, in `data_dir`, on a free port.
    #[must_use]
    pub fn development(data_dir: PathBuf) -> Config {
        Config {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            data_dir,
            store: None,
            store_ca: None,
            bus: None,
            bus_ca: None,
            core_metrics_listen: None,
            jwt_secret: Vec::new(),
            jwks_url: None,
            jwt_issuer: None,
            jwt_audience: None,
            service_secret: Vec::new(),
            core_tls_cert: None,
            core_tls_key: None,
            core_client_ca: None,
            rooms: rooms::dashboard(),
            users: Users::Any,
            retention: Vec::new(),
            audit: false,
            job_limits: Vec::new(),
            requests_per_second: REQUESTS_PER_SECOND,
            requests_burst: REQUESTS_BURST,
            connections_max: CONNECTIONS_MAX,
            dev: true,
            reflection: true,
            drain_seconds: DRAIN_SECONDS,
        }
    }

    pub(crate) fn requests(&self) -> Option<Rate> {
        let rate = Rate { per_second: self.requests_per_second, burst: self.requests_burst };
        (rate.per_second > 0).then_some(rate)
    }

    pub(crate) fn user_keys(&self) -> UserKeysConfig {
        UserKeysConfig {
            secrets: self.jwt_secret.clone(),
            jwks_url: self.jwks_url.clone(),
            issuer: self.jwt_issuer.clone(),
            audience: self.jwt_audience.clone(),
            ..UserKeysConfig::default()
        }
    }
}
