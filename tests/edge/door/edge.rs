//! An edge in this process.

use std::{net::SocketAddr, time::Duration};

use roomcast_edge::{Config, config::AuthMode};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::raw::Raw;

/// The windows of the tests, and what may come after them.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Edge {
    /// With settings of the test's own, where everybody is the user `dev`.
    pub(crate) async fn start(set: impl FnOnce(&mut Config)) -> Edge {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody serves there.
        let cores = vec!["http://127.0.0.1:9".to_owned()];
        let mut config =
            Config { listen: address, auth: AuthMode::Dev, cores, ..Config::default() };
        set(&mut config);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(roomcast_edge::serve(config, listener, stop.clone()));
        Edge { address, serving, stop }
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::from("127.0.0.1", self.address).await
    }

    pub(crate) async fn raw_from(&self, address: &str) -> Raw {
        Raw::from(address, self.address).await
    }

    /// Begins to shut down.
    pub(crate) fn drain(&self) {
        self.stop.cancel();
    }

    /// Waits until it has.
    pub(crate) async fn ended(&mut self) {
        let ended = timeout(DRAIN_LIMIT, &mut self.serving).await.expect("an end in time");
        ended.unwrap().unwrap();
    }

    /// It serves, and somebody else is served as ever.
    pub(crate) async fn is_well(&self) {
        assert!(!self.serving.is_finished(), "the edge has ended");
        assert_eq!(self.raw().await.get("/livez").await.status, 200);
        let mut socket = self.raw().await.connected().await;
        socket.say(r#"421["ping",{}]"#).await;
        assert!(socket.packet("431").await.unwrap().contains(r#""ok":true"#));
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
