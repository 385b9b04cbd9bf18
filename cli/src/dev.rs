//! `roomcast dev`: a core and an edge in one process, over the same gRPC as in production, and an agent
//! where there is something for it to do.

mod banner;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use roomcast_agent::Duties;
use roomcast_client::{Client, Token};
use roomcast_core::config::rooms;
use roomcast_core::domain::room::Rooms;
use roomcast_edge::config::{AuthMode, origin};
use roomcast_identity::{Scope, Secret, ServiceKeys, User, mint_user};
use roomcast_runtime::settings::TABLE;
use roomcast_runtime::telemetry::TelemetryConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use self::banner::Banner;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keyring::{self, Keyring};
use crate::output::Output;
use crate::serving;

/// A working day.
const TOKEN_TTL: Duration = Duration::from_secs(12 * 3600);
/// Longer than a call; each shows a token of its own.
const AGENT_TOKEN_TTL: Duration = Duration::from_secs(60);
/// Opening a store replays at most its write-ahead log.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Between looks whether the core has started.
const START_POLL: Duration = Duration::from_millis(20);
/// Whoever develops does not want to wait for Ctrl-C.
const DRAIN_SECONDS: u64 = 1;
/// A server drains for [`DRAIN_SECONDS`] and has a few more for its last words.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  roomcast dev
  roomcast dev --http 127.0.0.1:8080 --data-dir /tmp/try
  ROOMCAST_JWT_SECRET=$(openssl rand -base64 32) roomcast dev";

/// Serve a core, an edge and perhaps an agent for development, in one process
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Address for browsers
    #[arg(long, env = "ROOMCAST_HTTP", default_value = "127.0.0.1:8000", value_name = "ADDR")]
    http: SocketAddr,
    /// Address for services and workers
    #[arg(long, env = "ROOMCAST_GRPC", default_value = "127.0.0.1:50051", value_name = "ADDR")]
    grpc: SocketAddr,
    /// Folder for data and secrets
    #[arg(long, env = "ROOMCAST_DATA_DIR", default_value = ".roomcast", value_name = "DIR")]
    data_dir: PathBuf,
    /// Whether browsers must show a token [default: only with a secret of your own]
    #[arg(long, env = "ROOMCAST_AUTH", value_name = "WHEN")]
    auth: Option<Auth>,
    /// The users' secret, instead of one made in the data folder
    #[arg(
        long,
        env = "ROOMCAST_JWT_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    jwt_secret: Vec<Secret>,
    /// Origins of pages that may connect, besides the usual local ones
    #[arg(long, env = "ROOMCAST_ALLOWED_ORIGINS", value_delimiter = ',', value_parser = origin, value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// One more origin: where the application's pages are served
    #[arg(long, env = "FRONTEND_URL", value_parser = origin, value_name = "ORIGIN")]
    frontend_url: Option<String>,
    /// Rooms beside the dashboard's: names, separated by commas, or TOML that says all of each
    #[arg(long, env = "ROOMCAST_ROOMS", default_value = "", hide_default_value = true, value_parser = rooms::parse, value_hint = TABLE, value_name = "ROOMS")]
    rooms: Rooms,
    /// Listen on addresses that other machines reach; tokens are demanded then
    #[arg(long)]
    allow_non_loopback: bool,
    #[command(flatten)]
    agent: Duties,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

/// Whether browsers must show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Whoever shows none is an administrator
    Dev,
    /// Nobody comes in without one
    Required,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let is_local = arguments.http.ip().is_loopback() && arguments.grpc.ip().is_loopback();
    if !is_local && !arguments.allow_non_loopback {
        return Err(Failure::Usage(
            "a development server listens on loopback only; --allow-non-loopback if you know who \
             reaches it"
                .to_owned(),
        ));
    }
    let demands_tokens = demands_tokens(&arguments, is_local)?;
    let _telemetry = serving::telemetry(&arguments.telemetry)?;
    let stop = serving::until_signal();
    let servers = Servers::bind(&arguments, demands_tokens).await?;
    let banner = servers.banner(&arguments, demands_tokens)?;
    servers.serve(stop, || output.show(&banner)).await?;
    Ok(Exit::OK)
}

/// A secret of one's own means that tokens matter; other machines' users are nobody's administrators.
fn demands_tokens(arguments: &Arguments, is_local: bool) -> Result<bool, Failure> {
    match arguments.auth {
        Some(Auth::Dev) if !is_local => Err(Failure::Usage(
            "--auth dev makes an administrator of everybody; it goes with loopback only".to_owned(),
        )),
        Some(auth) => Ok(auth == Auth::Required),
        None => Ok(!is_local || !arguments.jwt_secret.is_empty()),
    }
}

/// All of it, bound and not started.
struct Servers {
    core: roomcast_core::Config,
    edge: roomcast_edge::Config,
    /// None when nothing is configured that it could do.
    agent: Option<Duties>,
    grpc: TcpListener,
    http: TcpListener,
    secrets: Vec<Secret>,
}

impl Servers {
    async fn bind(arguments: &Arguments, demands_tokens: bool) -> anyhow::Result<Servers> {
        let grpc = bind(arguments.grpc).await?;
        let http = bind(arguments.http).await?;
        let folder = &arguments.data_dir;
        let secrets = match &arguments.jwt_secret[..] {
            [] => vec![keyring::read_or_make(folder, Keyring::Users)?],
            given => given.to_vec(),
        };
        let services = vec![keyring::read_or_make(folder, Keyring::Services)?];
        let core = roomcast_core::Config {
            // Without it the core would take any caller on the network for its developer.
            dev: grpc.local_addr()?.ip().is_loopback(),
            jwt_secret: secrets.clone(),
            service_secret: services.clone(),
            rooms: arguments.rooms.clone(),
            drain_seconds: DRAIN_SECONDS,
            ..roomcast_core::Config::development(folder.clone())
        };
        let edge = roomcast_edge::Config {
            listen: http.local_addr()?,
            cores: vec![format!("http://{}", reachable(grpc.local_addr()?))],
            jwt_secret: secrets.clone(),
            service_secret: services,
            auth: if demands_tokens { AuthMode::Required } else { AuthMode::Dev },
            allowed_origins: arguments.allowed_origins.clone(),
            frontend_url: arguments.frontend_url.clone(),
            dev: true,
            drain_seconds: DRAIN_SECONDS,
            ..roomcast_edge::Config::default()
        };
        let duties = Duties { agent_drain_seconds: DRAIN_SECONDS, ..arguments.agent.clone() };
        // Whoever tries a model has the project that it is for around.
        let duties = duties.at_home(std::env::current_dir()?);
        let agent = Some(duties).filter(|duties| !duties.is_idle());
        Ok(Servers { core, edge, agent, grpc, http, secrets })
    }

    fn banner(&self, arguments: &Arguments, demands_tokens: bool) -> anyhow::Result<Banner> {
        let secret = self.secrets.first().context("there is no secret")?;
        Ok(Banner {
            http: format!("http://{}", self.http.local_addr()?),
            grpc: format!("http://{}", self.grpc.local_addr()?),
            data_dir: arguments.data_dir.clone(),
            demands_tokens,
            agent: self.agent.is_some(),
            model: self.agent.as_ref().and_then(|duties| duties.model.model.clone()),
            token: mint_user(secret, &User::dev(), TOKEN_TTL)?,
        })
    }

    /// Serves until `stop`, or until one of them cannot go on. The core goes last: what is on its way to
    /// browsers still needs it, and what the agent has to say of its jobs.
    async fn serve(
        self,
        stop: CancellationToken,
        started: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Servers { core, edge, agent, grpc, http, .. } = self;
        let url = edge.cores.first().cloned().unwrap_or_default();
        let (stop_core, stop_edge) = (CancellationToken::new(), CancellationToken::new());
        let services = core.service_secret.clone();
        let mut core = tokio::spawn(roomcast_core::serve(core, grpc, stop_core.clone()));
        tokio::select! {
            ended = &mut core => return Err(early("core", ended).into()),
            healthy = healthy(&url) => healthy?,
            () = stop.cancelled() => {}
        }
        let mut edge = tokio::spawn(roomcast_edge::serve(edge, http, stop_edge.clone()));
        let mut agent = tokio::spawn(serve_agent(agent, url, services, stop_edge.clone()));
        let shown = started();
        let mut outcome = Ok(());
        tokio::select! {
            ended = &mut core => outcome = Err(early("core", ended)),
            ended = &mut edge => outcome = Err(early("edge", ended)),
            ended = &mut agent => outcome = Err(early("agent", ended)),
            () = stop.cancelled() => {}
        }
        stop_edge.cancel();
        finish(agent).await;
        finish(edge).await;
        stop_core.cancel();
        finish(core).await;
        shown?;
        Ok(outcome?)
    }
}

/// An agent until `stop`; without duties, nothing until then.
async fn serve_agent(
    duties: Option<Duties>,
    url: String,
    services: Vec<Secret>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Some(duties) = duties else {
        stop.cancelled().await;
        return Ok(());
    };
    let keys = ServiceKeys::new(services)?;
    let token = Token::provided(move || {
        let token = keys.mint("agent", &[Scope::Worker], AGENT_TOKEN_TTL);
        std::future::ready(token.map_err(Into::into))
    });
    let client = Client::builder().core(url).service_token(token).connect_lazy()?;
    roomcast_agent::serve(client, duties, stop).await
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}; is another server running?"))
}

/// An address that means every interface is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, v6.port()).into()
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    }
}

/// Waits until the core takes calls.
async fn healthy(url: &str) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(url.to_owned())?.connect_lazy();
    let mut health = HealthClient::new(channel);
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let check = health.check(HealthCheckRequest::default());
        if let Ok(Ok(answer)) = timeout_at(deadline, check).await
            && answer.get_ref().status() == ServingStatus::Serving
        {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(anyhow!("the core has not started within {} s", START_TIMEOUT.as_secs()));
        }
        sleep(START_POLL).await;
    }
}

type Ended = Result<anyhow::Result<()>, tokio::task::JoinError>;

fn early(name: &str, ended: Ended) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow!("the {name} ended by itself"),
        Ok(Err(error)) => error.context(format!("the {name} cannot serve")),
        Err(error) => anyhow!(error).context(format!("the {name} broke")),
    }
}

/// Waits for a server that may have ended, or may never.
async fn finish(mut server: JoinHandle<anyhow::Result<()>>) {
    if server.is_finished() {
        return;
    }
    match timeout(FINISH_TIMEOUT, &mut server).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::error!("{error:#}"),
        Ok(Err(error)) => tracing::error!(%error, "a server broke while it drained"),
        Err(_) => {
            tracing::error!("a server does not end; it is broken off");
            server.abort();
        }
    }
}

#[cfg(test)]
mod tests;
