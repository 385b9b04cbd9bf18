//! An edge as a process of its own.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_test_servers::Port;

use super::core::Core;
use super::credential::{SERVICE_SECRET, Token, USER_SECRET, admin};
use super::eventually::eventually;
use super::process::Process;
use super::rest::Rest;
use super::tools;

/// The drain window and what may come after it.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Edge {
    core_url: String,
    port: Port,
    process: Process,
    arguments: Vec<String>,
}

impl Edge {
    pub(crate) async fn start(core: &Core) -> Edge {
        Edge::start_at(&core.url()).await
    }

    /// An edge that reaches its core at this address.
    pub(crate) async fn start_at(core_url: &str) -> Edge {
        Edge::launch(core_url, &[]).await
    }

    /// Starts with settings of the test's own, as on the command line.
    pub(crate) async fn start_with(core: &Core, arguments: &[&str]) -> Edge {
        Edge::launch(&core.url(), arguments).await
    }

    async fn launch(core_url: &str, arguments: &[&str]) -> Edge {
        let (port, core_url) = (Port::reserve(), core_url.to_owned());
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let process = spawn(&port, &core_url, &arguments);
        let mut edge = Edge { core_url, port, process, arguments };
        edge.is_ready().await;
        edge
    }

    pub(crate) fn url(&self) -> String {
        self.port.url()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Ends as an operator ends it, and waits until it has.
    pub(crate) async fn terminate(&mut self) {
        self.process.signal(Signal::SIGTERM);
        let status = self.process.ended(DRAIN_LIMIT).await;
        assert!(status.success(), "a drain ends well: {status}");
    }

    /// A metric's value, summed over the series that have this label.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> f64 {
        let page = self.rest(&admin("root")).get("/metrics").await.text;
        let series = page.lines().filter(|line| line.starts_with(name) && line.contains(label));
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Starts again on the same port, knowing nothing of before.
    pub(crate) async fn restart(&mut self) {
        assert!(!self.process.is_running(), "kill it first");
        self.process = spawn(&self.port, &self.core_url, &self.arguments);
        self.is_ready().await;
    }

    /// REST for whoever holds this token.
    pub(crate) fn rest(&self, token: &Token) -> Rest {
        Rest::new(&self.url(), Some(token))
    }

    async fn is_ready(&mut self) {
        let rest = Rest::new(&self.url(), None);
        eventually("the edge is ready", async || {
            assert!(self.process.is_running(), "the edge has ended");
            rest.try_get("/readyz").await.filter(|answer| answer.status == 200)
        })
        .await;
    }
}

/// Whether edges are told to use lanes: the tests of delivery run both ways.
pub(crate) fn lane_is_on() -> bool {
    std::env::var("ROOMCAST_LANE").as_deref() != Ok("off")
}

fn spawn(port: &Port, core_url: &str, arguments: &[String]) -> Process {
    let mut command = tools::roomcast();
    command
        .args(["edge", "--listen", &port.address().to_string(), "--core", core_url])
        .args(arguments)
        .env("ROOMCAST_JWT_SECRET", USER_SECRET)
        .env("ROOMCAST_SERVICE_SECRET", SERVICE_SECRET)
        .env("ROOMCAST_LOG_FORMAT", "json");
    Process::spawn("edge", &mut command)
}
