//! What an edge is told: flag, then `ROOMCAST_…` variable, then TOML file, then default.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use http::Uri;
use ipnet::IpNet;
use roomcast_identity::{Secret, UserKeysConfig};
use roomcast_runtime::bucket::Rate;

const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
const CORE: &str = "http://127.0.0.1:50051";
/// Connections at once: at about 30 KB each this is 600 MB.
const CONNECTIONS_MAX: usize = 20_000;
/// No address and no user takes more than half of an edge. What is right for an installation is less.
const CONNECTIONS_EACH_MAX: usize = CONNECTIONS_MAX / 2;
/// A crowd behind one address that comes back at once; at about 30 KB each this is 120 MB.
const PENDING_PER_ADDRESS_MAX: usize = 4000;
/// What a busy page emits, several times over: joins of all that it shows, twice a second.
const SOCKET_EVENTS_PER_SECOND: u32 = 200;
const SOCKET_EVENTS_BURST: u32 = 400;
/// What a busy page asks for, many times over, and a page's worth for each of a crowd at one address.
const REQUESTS_PER_SECOND: u32 = 200;
const REQUESTS_BURST: u32 = 1000;
/// A page that nobody uses any more: longer than a pause, far shorter than a day.
const IDLE_SECONDS: u64 = 30 * 60;
const DRAIN_SECONDS: u64 = 5;

/// Settings of an edge.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Edge")]
pub struct Config {
    /// Address to serve browsers on.
    #[arg(long, env = "ROOMCAST_LISTEN", default_value_t = LISTEN, value_name = "ADDR")]
    pub listen: SocketAddr,

    /// Address to serve `/metrics` on without a credential. Without it they are served to
    /// administrators alone, beside everything else.
    #[arg(long, env = "ROOMCAST_EDGE_METRICS_LISTEN", value_name = "ADDR")]
    pub edge_metrics_listen: Option<SocketAddr>,

    /// URL of a core. Of several, separated by commas or given one by one, the edge lives at one and
    /// moves within 2 s when that fails.
    #[arg(long = "core", env = "ROOMCAST_CORE", value_delimiter = ',', default_value = CORE, value_parser = roomcast_client::cores::url, value_name = "URL")]
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
    #[arg(long, env = "ROOMCAST_ALLOWED_ORIGINS", value_delimiter = ',', value_parser = origin, value_name = "ORIGIN")]
    pub allowed_origins: Vec<String>,

    /// One more origin: where the application's pages are served.
    #[arg(long, env = "FRONTEND_URL", value_parser = origin, value_name = "ORIGIN")]
    pub frontend_url: Option<String>,

    /// Whether browsers are served over Socket.IO; REST and server-sent events work without it.
    #[arg(long, env = "ROOMCAST_SOCKETIO", value_enum, default_value_t = Switch::On)]
    pub socketio: Switch,

    /// Whether events go to WebSockets as frames that are encoded once for all, and live ones without
    /// a task for each socket. Off, every socket gets packets of its own.
    #[arg(long, env = "ROOMCAST_LANE", value_enum, default_value_t = Switch::On)]
    pub lane: Switch,

    /// Whether a socket is shown the dashboard when it connects, without asking: the rooms agents, tasks,
    /// metrics, workflows and system, as far as it may read them.
    #[arg(long, env = "ROOMCAST_DASHBOARD", value_enum, default_value_t = Switch::On)]
    pub dashboard: Switch,

    /// Whether the namespace `/admin` tells the published web app of `@socket.io/admin-ui` how many sockets
    /// are here: read-only, to users with the role admin or auditor.
    #[arg(long, env = "ROOMCAST_ADMIN_UI", value_enum, default_value_t = Switch::Off)]
    pub admin_ui: Switch,

    /// Development: the usual local origins are allowed, and debugging routes are open.
    #[arg(long, env = "ROOMCAST_DEV")]
    pub dev: bool,

    /// Connections at once; more are answered 429.
    #[arg(long, env = "ROOMCAST_CONNECTIONS_MAX", default_value_t = CONNECTIONS_MAX, value_name = "COUNT")]
    pub connections_max: usize,

    /// Connections of one address at once (of an IPv6 network of 64 bits); more are answered 429.
    #[arg(long, env = "ROOMCAST_CONNECTIONS_PER_ADDRESS_MAX", default_value_t = CONNECTIONS_EACH_MAX, value_name = "COUNT")]
    pub connections_per_address_max: usize,

    /// Socket.IO sessions of one address that have not shown a token yet; more are answered 429.
    #[arg(long, env = "ROOMCAST_PENDING_PER_ADDRESS_MAX", default_value_t = PENDING_PER_ADDRESS_MAX, value_name = "COUNT")]
    pub pending_per_address_max: usize,

    /// Sockets of one user at once, and as many event streams; more are refused with `too_many_connections`.
    #[arg(long, env = "ROOMCAST_SOCKETS_PER_USER_MAX", default_value_t = CONNECTIONS_EACH_MAX, value_name = "COUNT")]
    pub sockets_per_user_max: usize,

    /// Events that one socket may emit in a second, in the long run.
    #[arg(long, env = "ROOMCAST_SOCKET_EVENTS_PER_SECOND", default_value_t = SOCKET_EVENTS_PER_SECOND, value_name = "COUNT")]
    pub socket_events_per_second: u32,

    /// Events that one socket may emit at once, after a pause.
    #[arg(long, env = "ROOMCAST_SOCKET_EVENTS_BURST", default_value_t = SOCKET_EVENTS_BURST, value_name = "COUNT")]
    pub socket_events_burst: u32,

    /// REST requests of one user in a second, in the long run, or of one address without a token; more
    /// are answered 429. 0 for no limit.
    #[arg(long, env = "ROOMCAST_REQUESTS_PER_SECOND", default_value_t = REQUESTS_PER_SECOND, value_name = "COUNT")]
    pub requests_per_second: u32,

    /// REST requests of one user at once, after a pause.
    #[arg(long, env = "ROOMCAST_REQUESTS_BURST", default_value_t = REQUESTS_BURST, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
    pub requests_burst: u32,

    /// Seconds after which a socket is disconnected that is in no topic and whose client says nothing. 0
    /// for never.
    #[arg(long, env = "ROOMCAST_IDLE_SECONDS", default_value_t = IDLE_SECONDS, value_name = "SECONDS")]
    pub idle_seconds: u64,

    /// PEM file of the certificate, with its chain, that browsers see: the edge then speaks https. It
    /// is read again when it changes, and at SIGHUP.
    #[arg(long, env = "ROOMCAST_EDGE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of the certificate's key.
    #[arg(long, env = "ROOMCAST_EDGE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Proxies, as addresses or networks, whose X-Forwarded-For is believed.
    #[arg(long, env = "ROOMCAST_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network, value_name = "CIDR")]
    pub trusted_proxies: Vec<IpNet>,

    /// Whether connections of trusted proxies begin with a PROXY header of version 2.
    #[arg(long, env = "ROOMCAST_PROXY_PROTOCOL", value_enum, default_value_t = Switch::Off)]
    pub proxy_protocol: Switch,

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
            edge_metrics_listen: None,
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
            dashboard: Switch::On,
            admin_ui: Switch::Off,
            dev: false,
            connections_max: CONNECTIONS_MAX,
            connections_per_address_max: CONNECTIONS_EACH_MAX,
            pending_per_address_max: PENDING_PER_ADDRESS_MAX,
            sockets_per_user_max: CONNECTIONS_EACH_MAX,
            socket_events_per_second: SOCKET_EVENTS_PER_SECOND,
            socket_events_burst: SOCKET_EVENTS_BURST,
            requests_per_second: REQUESTS_PER_SECOND,
            requests_burst: REQUESTS_BURST,
            idle_seconds: IDLE_SECONDS,
            tls_cert: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            proxy_protocol: Switch::Off,
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

    /// What one socket may emit.
    #[must_use]
    pub fn socket_events(&self) -> Rate {
        Rate { per_second: self.socket_events_per_second, burst: self.socket_events_burst }
    }

    /// What one user may ask over REST, if that is limited.
    #[must_use]
    pub fn requests(&self) -> Option<Rate> {
        let rate = Rate { per_second: self.requests_per_second, burst: self.requests_burst };
        (rate.per_second > 0).then_some(rate)
    }

    /// How long a socket may be idle, if that is limited.
    #[must_use]
    pub fn idle_limit(&self) -> Option<Duration> {
        (self.idle_seconds > 0).then(|| Duration::from_secs(self.idle_seconds))
    }

    /// How long connections are given to end at shutdown.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// An origin as browsers say it, so that one which none would ever say is told at the start. Empty where
/// a variable is set to nothing.
///
/// # Errors
/// What an origin is.
pub fn origin(text: &str) -> Result<String, String> {
    let origin = text.trim().trim_end_matches('/').to_ascii_lowercase();
    let origin = without_default_port(&origin).to_owned();
    // `null` is what a page of a file or of a sandboxed frame says.
    if origin.is_empty() || origin == "null" || is_scheme_and_host(&origin) {
        return Ok(origin);
    }
    Err("an origin is scheme and host, as https://app.example or http://localhost:3000".to_owned())
}

/// Nothing beside them: no path, which a parser may leave out as well, no user, no pattern.
fn is_scheme_and_host(origin: &str) -> bool {
    origin.parse::<Uri>().is_ok_and(|url| {
        let parts = url.scheme_str().zip(url.authority());
        let is_all = parts.is_some_and(|(scheme, host)| origin == format!("{scheme}://{host}"));
        is_all && !origin.contains(['*', '@'])
    })
}

/// Browsers leave out the port that a scheme has by itself.
fn without_default_port(origin: &str) -> &str {
    let port = match origin.split_once("://") {
        Some(("http", _)) => ":80",
        Some(("https", _)) => ":443",
        Some(_) | None => return origin,
    };
    origin.strip_suffix(port).unwrap_or(origin)
}

/// A network, or the one address of a network.
fn network(text: &str) -> Result<IpNet, ipnet::AddrParseError> {
    text.trim()
        .parse()
        .or_else(|error| text.trim().parse::<IpAddr>().map(IpNet::from).map_err(|_| error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_says() {
        for said in ["https://app.example", " https://App.example/ ", "http://localhost:3000"] {
            assert_eq!(origin(said), Ok(said.trim().trim_end_matches('/').to_ascii_lowercase()));
        }
        for said in
            ["null", "http://[::1]:3000", "https://app.example:8443", "capacitor://localhost"]
        {
            assert_eq!(origin(said).as_deref(), Ok(said));
        }
        assert_eq!(origin("https://app.example:443/").as_deref(), Ok("https://app.example"));
        assert_eq!(origin("http://localhost:80").as_deref(), Ok("http://localhost"));
        assert_eq!(origin(""), Ok(String::new()), "a variable that is set to nothing");
        for wrong in [
            "app.example",
            "*",
            "https://*.example",
            "https://app.example/live",
            "https://app.example/#/",
            "https://ana@app.example",
            "http://",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
