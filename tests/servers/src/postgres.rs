//! A PostgreSQL server of the oldest version that is installed: the one that a core needs at least.

mod files;
mod psql;
mod standby;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::account::command;
use crate::folder::{copy, folder, put};
use crate::process::{Process, until};

/// Where Debian puts each version of the server.
const VERSIONS: &str = "/usr/lib/postgresql";
/// On its socket alone.
const DEAF: &str = "listen_addresses=";
/// Small, and without durability against power cuts, which is not what tests look at.
const SMALL: [&str; 4] = [DEAF, "fsync=off", "shared_buffers=16MB", "max_connections=100"];
/// "Immediate shutdown": unlike `kill -9` it gives shared memory back, and unlike others waits for nobody.
const FAREWELL: Signal = Signal::SIGQUIT;

#[derive(Debug)]
pub struct Postgres {
    // Ended first: it writes into the folder.
    process: Process,
    folder: TempDir,
    settings: Vec<String>,
}

impl Postgres {
    /// A new, empty one for a test.
    pub fn start() -> Postgres {
        Postgres::start_with(&[], &[])
    }

    /// With settings and files of its own in its data folder.
    pub fn start_with(settings: &[&str], files: &[(&str, &str)]) -> Postgres {
        let folder = folder(&std::env::temp_dir());
        let data = data(folder.path());
        copy(&files::template(), &data);
        for (name, text) in files {
            put(&data.join(name), text);
        }
        // The last word counts.
        Postgres::run(folder, owned(SMALL.iter().chain(settings)))
    }

    /// A new, empty one that syncs what it commits to the disk of `on`, with PostgreSQL's own defaults
    /// but for these settings.
    pub fn start_durable(on: &Path, settings: &[&str]) -> Postgres {
        let folder = folder(on);
        initialize(&data(folder.path()), &[]);
        Postgres::run(folder, owned([DEAF].iter().chain(settings)))
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of one of its databases.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://roomcast@localhost/{database}?host={}", self.folder().display())
    }

    /// Stops all of it where it is, until [`Postgres::go_on`].
    pub fn pause(&self) {
        self.process.pause();
    }

    pub fn go_on(&self) {
        self.process.go_on();
    }

    /// Ends it as `kill -9` of all its processes does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on what it left.
    pub fn restart(&mut self) {
        self.process = spawn(self.folder.path(), &self.settings);
        self.serves();
    }

    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    fn run(folder: TempDir, settings: Vec<String>) -> Postgres {
        let process = spawn(folder.path(), &settings);
        let server = Postgres { process, folder, settings };
        server.serves();
        server
    }

    /// Waits until it takes connections.
    fn serves(&self) {
        until("PostgreSQL serves", || {
            let mut asked = self.client("pg_isready");
            asked.arg("--quiet").status().expect("pg_isready runs").success()
        });
    }

    /// A program that speaks to it.
    fn client(&self, name: &str) -> Command {
        let own = self.settings.iter().find_map(|setting| setting.strip_prefix("port="));
        let mut client = program(name);
        client.arg("--host").arg(self.folder()).args(["--port", own.unwrap_or("5432")]);
        client
    }
}

fn owned<'a>(settings: impl Iterator<Item = &'a &'a str>) -> Vec<String> {
    settings.map(|setting| (*setting).to_owned()).collect()
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn spawn(folder: &Path, settings: &[String]) -> Process {
    let mut server = program("postgres");
    server.arg("-D").arg(data(folder)).arg("-k").arg(folder);
    for setting in settings {
        server.arg("-c").arg(setting);
    }
    Process::spawn(&mut server, folder.join("postgres.log"), FAREWELL)
}

fn initialize(data: &Path, more: &[&str]) {
    let made = program("initdb")
        .args(["--username=roomcast", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
        .args(more)
        .arg("-D")
        .arg(data)
        .stdout(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "initdb failed");
}

/// One of its programs, as a user that it accepts.
fn program(name: &str) -> Command {
    command(version().join("bin").join(name))
}

/// The folder of the version in use.
fn version() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    versions.map(|version| version.path()).min().expect("PostgreSQL is installed: make setup")
}
