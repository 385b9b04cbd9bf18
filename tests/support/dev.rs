//! `roomcast dev`: core and edge in one process, everything open on loopback.

use roomcast_test_servers::Port;
use tempfile::TempDir;
use tonic::transport::Channel;

use super::eventually::eventually;
use super::grpc::channel;
use super::process::Process;
use super::rest::Rest;
use super::tools;

#[derive(Debug)]
pub(crate) struct Dev {
    http: Port,
    grpc: Port,
    process: Process,
    _folder: TempDir,
}

impl Dev {
    pub(crate) async fn start() -> Dev {
        Dev::start_with(&[]).await
    }

    /// Starts with settings of the test's own.
    pub(crate) async fn start_with(arguments: &[&str]) -> Dev {
        let (http, grpc) = (Port::reserve(), Port::reserve());
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = tools::roomcast();
        command
            .args(["dev", "--http", &http.address().to_string()])
            .args(["--grpc", &grpc.address().to_string(), "--data-dir"])
            .arg(folder.path().join("data"))
            .args(arguments)
            .env("ROOMCAST_LOG_FORMAT", "json");
        let process = Process::spawn("dev", &mut command);
        let mut dev = Dev { http, grpc, process, _folder: folder };
        let rest = dev.rest();
        eventually("dev is ready", async || {
            assert!(dev.process.is_running(), "dev has ended");
            rest.try_get("/readyz").await.filter(|answer| answer.status == 200)
        })
        .await;
        dev
    }

    /// Where browsers go.
    pub(crate) fn url(&self) -> String {
        self.http.url()
    }

    /// Where workers and services go.
    pub(crate) fn core_url(&self) -> String {
        self.grpc.url()
    }

    pub(crate) fn channel(&self) -> Channel {
        channel(&self.core_url())
    }

    /// What it told whoever started it.
    pub(crate) fn said(&self) -> String {
        self.process.stdout_lines().join("\n")
    }

    /// REST without a token: the user `dev`.
    pub(crate) fn rest(&self) -> Rest {
        Rest::new(&self.url(), None)
    }
}
