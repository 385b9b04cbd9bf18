//! The edge in one place: what it is made of, how it starts, how it drains.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use roomcast_client::Tls;
use roomcast_identity::ServiceKeys;
use roomcast_runtime::settings;
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::{Auth, Origins, Rights, guard, listen, tell_of_deafness},
    config::{Config, Switch},
    connections::Connections,
    departures::Departures,
    feed::Feeds,
    lane::Lanes,
    listener::{self, Caps, Door},
    metrics_page,
    presence::Presence,
    rest,
    socket::Sockets,
    state::AppState,
    upstream::{Credential, Upstream},
};

/// Name of an edge in the tokens it mints for itself.
const SERVICE_NAME: &str = "roomcast-edge";
/// Sockets have this long beyond the drain window to end by themselves.
const DRAIN_GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether they have.
const DRAIN_POLL: Duration = Duration::from_millis(20);

impl AppState {
    /// The parts of an edge, connected to nothing yet.
    ///
    /// # Errors
    /// When a setting is not usable.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        let identity = config.core_cert.as_deref().zip(config.core_key.as_deref());
        let tls = Tls::read(config.core_ca.as_deref(), identity)?;
        let upstream = Upstream::new(&config.cores, &tls, credential(&config)?)?;
        let (rights, presence) = (Rights::default(), Presence::default());
        Ok(Self {
            auth: Auth::new(&config)?,
            feeds: Feeds::new(upstream.clone(), rights.clone(), presence.clone()),
            presence,
            rights,
            upstream,
            connections: Connections::default(),
            streams: Caps::new(config.sockets_per_user_max),
            departures: Departures::default(),
            draining: CancellationToken::new(),
            config: Arc::new(config),
        })
    }
}

/// Serves browsers on `listener` until `shutdown`, then drains.
///
/// # Errors
/// When a setting is not usable.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let state = AppState::new(config).map_err(settings::unusable)?;
    let door = Door::new(&state.config).map_err(settings::unusable)?;
    let sockets = (state.config.socketio == Switch::On).then(|| Sockets::new(state.clone()));
    let app = router(&state, sockets.as_ref());
    metrics_page::begin(&state.config);

    let tasks = TaskTracker::new();
    let stop_feeds = CancellationToken::new();
    if let Some(address) = state.config.edge_metrics_listen {
        let page = TcpListener::bind(address).await.context("metrics listener")?;
        tasks.spawn(metrics_page::serve(page, stop_feeds.clone()));
    }
    tasks.spawn(state.upstream.clone().watch(stop_feeds.clone()));
    tasks.spawn(state.feeds.clone().run(stop_feeds.clone()));
    tasks.spawn(tell_of_deafness(state.rights.clone(), stop_feeds.clone()));
    let ends = (state.rights.clone(), state.connections.clone());
    tasks.spawn(listen(ends, state.upstream.clone(), stop_feeds.clone()));
    let (connections, upstream) = (state.connections.clone(), state.upstream.clone());
    tasks.spawn(state.presence.clone().run(connections, upstream, stop_feeds.clone()));
    let stop_listener = CancellationToken::new();
    tasks.spawn(listener::serve(
        listener,
        app,
        Lanes::new(state.config.lane),
        door,
        stop_listener.clone(),
    ));
    tracing::info!(%address, cores = ?state.config.cores, "the edge serves");

    shutdown.cancelled().await;
    tracing::info!(sockets = state.connections.len(), "the edge drains");
    // Feeds go on until the last socket has gone: what is under way still arrives.
    state.draining.cancel();
    drain(&state).await;
    if let Some(sockets) = &sockets {
        sockets.close().await;
    }
    stop_listener.cancel();
    stop_feeds.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

fn router(state: &AppState, sockets: Option<&Sockets>) -> Router {
    let origins = Origins::new(&state.config);
    let app = rest::router(state.clone());
    let app = match sockets {
        Some(sockets) => app.merge(sockets.router()),
        None => app,
    };
    app.layer(origins.cors()).layer(axum::middleware::from_fn_with_state(origins, guard))
}

fn credential(config: &Config) -> anyhow::Result<Credential> {
    if let Some(token) = &config.service_token {
        return Credential::given(token.reveal()).context("the service token is no token");
    }
    if config.service_secret.is_empty() {
        return Ok(Credential::none());
    }
    let keys = ServiceKeys::new(config.service_secret.clone())?;
    Ok(Credential::minted(keys, SERVICE_NAME))
}

async fn drain(state: &AppState) {
    let all_gone = async {
        while !state.connections.is_empty() {
            sleep(DRAIN_POLL).await;
        }
    };
    if timeout(state.config.drain_window() + DRAIN_GRACE, all_gone).await.is_err() {
        tracing::warn!(left = state.connections.len(), "sockets did not end in time");
    }
}
