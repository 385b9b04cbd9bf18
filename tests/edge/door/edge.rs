//! An edge in this process.

use std::net::SocketAddr;

use roomcast_edge::{Config, config::AuthMode};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::raw::Raw;

pub(crate) struct Edge {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<anyhow::Result<()>>,
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
        let serving =
            tokio::spawn(roomcast_edge::serve(config, listener, CancellationToken::new()));
        Edge { address, serving }
    }

    pub(crate) async fn raw(&self) -> Raw {
        Raw::from("127.0.0.1", self.address).await
    }

    pub(crate) async fn raw_from(&self, address: &str) -> Raw {
        Raw::from(address, self.address).await
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
