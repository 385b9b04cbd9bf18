//! A core as a process of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roomcast_identity::Scope;
use roomcast_test_servers::{Port, Postgres};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::credential::{SERVICE_SECRET, USER_SECRET};
use super::eventually::eventually;
use super::grpc::{Broadcast, Caller, Jobs, channel};
use super::process::Process;
use super::tools;

/// The rooms that every user may read.
pub(crate) const ROOMS: &str = "open,news,metrics";

#[derive(Debug)]
pub(crate) struct Core {
    // Dropped first: a core whose folder has gone would say so.
    process: Process,
    /// Removed with the core.
    folder: TempDir,
    data_dir: PathBuf,
    port: Port,
    arguments: Vec<String>,
    /// Of this core alone, where the tests are told to run on it.
    database: Option<Postgres>,
}

impl Core {
    pub(crate) async fn start() -> Core {
        Core::start_with(&[]).await
    }

    /// Starts with settings of the test's own, as on the command line.
    pub(crate) async fn start_with(arguments: &[&str]) -> Core {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().join("data");
        Core::launch(folder, &data_dir, arguments).await
    }

    /// Starts with the settings of a file, and declares no rooms but those it declares.
    pub(crate) async fn start_from_file(settings: &Path) -> Core {
        Core::start_with(&["--config", settings.to_str().expect("a path")]).await
    }

    /// Starts on a data folder, inside of `folder`, that may have a history.
    pub(crate) async fn start_at(folder: TempDir, data_dir: &Path) -> Core {
        Core::launch(folder, data_dir, &[]).await
    }

    async fn launch(folder: TempDir, data_dir: &Path, arguments: &[&str]) -> Core {
        let (port, data_dir) = (Port::reserve(), data_dir.to_owned());
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let is_told = std::env::var("ROOMCAST_TEST_STORE").as_deref() == Ok("postgres");
        let has_own = arguments.iter().any(|argument| argument == "--store");
        let database = (is_told && !has_own).then(Postgres::start);
        let process = spawn(&port, &data_dir, &arguments, database.as_ref());
        let mut core = Core { folder, data_dir, port, process, arguments, database };
        core.serves().await;
        core
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn url(&self) -> String {
        self.port.url()
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.port.address()
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts again with other settings.
    pub(crate) async fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
        self.restart().await;
    }

    /// Starts again on the same folder and port. Answers how long it took to serve.
    pub(crate) async fn restart(&mut self) -> Duration {
        assert!(!self.process.is_running(), "kill it first");
        let began = Instant::now();
        let database = self.database.as_ref();
        self.process = spawn(&self.port, &self.data_dir, &self.arguments, database);
        self.serves().await;
        began.elapsed()
    }

    /// Ends it and hands out what it leaves behind.
    pub(crate) fn into_folder(mut self) -> TempDir {
        self.process.kill();
        self.folder
    }

    pub(crate) fn channel(&self) -> Channel {
        channel(&self.url())
    }

    /// The job service, for a service with every scope.
    pub(crate) fn jobs(&self) -> Jobs {
        Caller::service(&[Scope::Admin]).jobs(self.channel())
    }

    /// The broadcast service, for a service with every scope.
    pub(crate) fn broadcast(&self) -> Broadcast {
        Caller::service(&[Scope::Admin]).broadcast(self.channel())
    }

    /// What `grpc.health.v1` says of a service.
    pub(crate) async fn health(&self, service: &str) -> Option<ServingStatus> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(self.channel()).check(request).await.ok()?;
        Some(answer.into_inner().status())
    }

    async fn serves(&mut self) {
        eventually("the core serves", async || {
            assert!(self.process.is_running(), "the core has ended");
            let status = self.health("roomcast.v1.JobService").await;
            (status == Some(ServingStatus::Serving)).then_some(())
        })
        .await;
    }
}

fn spawn(
    port: &Port,
    data_dir: &Path,
    arguments: &[String],
    database: Option<&Postgres>,
) -> Process {
    let mut command = tools::roomcast();
    command
        .args(["core", "--listen", &port.address().to_string(), "--data-dir"])
        .arg(data_dir)
        .args(arguments)
        .env("ROOMCAST_JWT_SECRET", USER_SECRET)
        .env("ROOMCAST_SERVICE_SECRET", SERVICE_SECRET)
        .env("ROOMCAST_LOG_FORMAT", "json");
    if let Some(database) = database {
        command.env("ROOMCAST_STORE", database.url());
    }
    if !arguments.iter().any(|argument| argument == "--config") {
        command.env("ROOMCAST_ROOMS", ROOMS);
    }
    Process::spawn("core", &mut command)
}
