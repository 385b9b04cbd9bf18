//! PostgreSQL and Redis servers of the measurement's own, on a socket and a port of theirs, with the
//! durability of a cluster. They end, and what they wrote goes, when they are dropped.

use std::fs::read_dir;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Where Debian puts each version of PostgreSQL.
const VERSIONS: &str = "/usr/lib/postgresql";
/// A cluster's, on a small machine: the rest are PostgreSQL's defaults, with `fsync` on.
const SETTINGS: [&str; 4] =
    ["listen_addresses=", "shared_buffers=256MB", "max_wal_size=4GB", "max_connections=200"];
/// How often a server is asked whether it serves, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MAX: u32 = 400;

/// A PostgreSQL server.
pub(crate) struct Postgres {
    // Ended first: it writes into the folder.
    _process: Process,
    folder: TempDir,
}

impl Postgres {
    /// A new, empty one in a folder of this one.
    pub(crate) async fn start(on: &Path) -> anyhow::Result<Postgres> {
        let folder = tempfile::tempdir_in(on.canonicalize()?)?;
        give(folder.path())?;
        let data = folder.path().join("data");
        let made = program("initdb")?
            .args(["--username=roomcast", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(made.success(), "initdb failed");
        let mut server = program("postgres")?;
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            server.arg("-c").arg(setting);
        }
        let process = Process::spawn(&mut server)?;
        let postgres = Postgres { _process: process, folder };
        for _ in 0..LOOKS_MAX {
            if postgres.connect("postgres").await.is_ok() {
                return Ok(postgres);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("postgres does not serve")
    }

    /// Where a database of it is.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://roomcast@localhost/{database}?host={}", self.folder.path().display())
    }

    /// Makes one more database.
    pub(crate) async fn create(&self, database: &str) -> anyhow::Result<String> {
        let client = self.connect("postgres").await?;
        client.batch_execute(&format!("CREATE DATABASE {database}")).await?;
        Ok(self.url(database))
    }

    async fn connect(&self, database: &str) -> anyhow::Result<tokio_postgres::Client> {
        connect(&self.url(database)).await
    }
}

/// A connection that is driven by a task.
pub(crate) async fn connect(url: &str) -> anyhow::Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Whoever waits hears of it by the statement that fails.
        let _ = connection.await;
    });
    Ok(client)
}

/// A Redis server.
pub(crate) struct Redis {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// One that keeps nothing, as between cores.
    pub(crate) async fn start(on: &Path) -> anyhow::Result<Redis> {
        Redis::start_with(on, &["--appendonly", "no"]).await
    }

    /// One that syncs what it has taken before it answers.
    pub(crate) async fn start_durable(on: &Path) -> anyhow::Result<Redis> {
        let settings = ["--appendonly", "yes", "--appendfsync", "always"];
        Redis::start_with(on, &settings).await
    }

    async fn start_with(on: &Path, settings: &[&str]) -> anyhow::Result<Redis> {
        let folder = tempfile::tempdir_in(on)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Command::new("redis-server");
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        server.arg(folder.path()).args(settings).stdout(Stdio::null());
        let process = Process::spawn(&mut server)?;
        let redis = Redis { process, port, _folder: folder };
        for _ in 0..LOOKS_MAX {
            if redis.connect().await.is_ok() {
                return Ok(redis);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("redis-server does not serve")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url())?;
        Ok(client.get_multiplexed_async_connection().await?)
    }

    /// Ends it, whoever is connected.
    pub(crate) fn end(&mut self) {
        self.process.end();
    }
}

/// A server's process.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> anyhow::Result<Process> {
        let name = command.get_program().display().to_string();
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Process(child.with_context(|| format!("{name} does not start"))?))
    }

    /// At once and in order: both servers take SIGINT so.
    fn end(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        }
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A program of PostgreSQL, as a user that it accepts: it refuses to run as root.
fn program(name: &str) -> anyhow::Result<Command> {
    let versions = read_dir(VERSIONS).with_context(|| format!("no PostgreSQL in {VERSIONS}"))?;
    let oldest: Option<PathBuf> = versions.flatten().map(|version| version.path()).min();
    let oldest = oldest.with_context(|| format!("no PostgreSQL in {VERSIONS}"))?;
    let mut command = Command::new(oldest.join("bin").join(name));
    if let Some(user) = server_user()? {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
    }
    Ok(command)
}

fn server_user() -> anyhow::Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    Ok(Some(User::from_name("postgres")?.context("there is no user postgres")?))
}

fn give(path: &Path) -> anyhow::Result<()> {
    if let Some(user) = server_user()? {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(())
}
