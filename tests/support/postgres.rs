//! A PostgreSQL server of one test, on a socket in a folder that goes with it.

mod standby;
mod way;

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

use super::eventually::eventually;
use super::process::Process;
pub(crate) use way::Way;

/// Where Debian puts each version of the server.
const VERSIONS: &str = "/usr/lib/postgresql";

#[derive(Debug)]
pub(crate) struct Postgres {
    // Ended first: it writes into the folder.
    process: Process,
    folder: TempDir,
}

impl Postgres {
    /// A new, empty one. Its durability against power cuts is not what tests here look at.
    pub(crate) async fn start() -> Postgres {
        let folder = tempfile::tempdir().expect("a folder");
        give(folder.path());
        copy(&template(), &folder.path().join("data"));
        let postgres = Postgres { process: spawn(folder.path()), folder };
        postgres.serves().await;
        postgres
    }

    /// What cores are started with.
    pub(crate) fn url(&self) -> String {
        url(self.folder.path())
    }

    /// A way to it for one core alone.
    pub(crate) fn way(&self) -> Way {
        Way::to(self.folder.path())
    }

    /// Stops all of it where it is, until [`Postgres::go_on`].
    pub(crate) fn pause(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    /// Ends it as `kill -9` of all its processes does, and starts it again on what it left.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.end().await;
        self.begin().await;
    }

    async fn end(&mut self) {
        let children = self.signal_all(Signal::SIGKILL);
        self.process.kill();
        // As long as one of them is there, so is its shared memory, and the next server refuses it.
        eventually("the server's processes are gone", async || {
            (!children.iter().any(|child| is_running(*child))).then_some(())
        })
        .await;
    }

    async fn begin(&mut self) {
        fs::remove_file(self.data().join("postmaster.pid")).expect("was running");
        self.process = spawn(self.folder.path());
        self.serves().await;
    }

    /// All that is in it at this moment, to go back to.
    pub(crate) fn remember(&self) {
        self.pause();
        copy(&self.data(), &self.folder.path().join("before"));
        self.go_on();
    }

    /// Loses what was committed since [`Postgres::remember`], as a standby may that takes over.
    pub(crate) async fn lose_the_rest(&mut self) {
        self.end().await;
        fs::remove_dir_all(self.data()).expect("removed");
        fs::rename(self.folder.path().join("before"), self.data()).expect("renamed");
        self.begin().await;
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// To the server and all that it has started, which it answers.
    fn signal_all(&self, signal: Signal) -> Vec<Pid> {
        let pid = self.process.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|child| child.parse().ok());
        let children: Vec<Pid> = children.map(Pid::from_raw).collect();
        self.process.signal(signal);
        for child in &children {
            // One that has ended meanwhile needs no signal.
            let _ = kill(*child, signal);
        }
        children
    }

    async fn serves(&self) {
        eventually("the database serves", async || {
            let mut ready = program("pg_isready");
            ready.arg("--quiet").arg("--host").arg(self.folder.path());
            ready.status().expect("pg_isready runs").success().then_some(())
        })
        .await;
    }
}

fn url(folder: &Path) -> String {
    format!("postgres://roomcast@localhost/postgres?host={}", folder.display())
}

fn is_running(process: Pid) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|arguments| !arguments.is_empty())
}

fn spawn(folder: &Path) -> Process {
    let mut server = program("postgres");
    server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    let settings = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=100"];
    for setting in settings {
        server.arg("-c").arg(setting);
    }
    Process::spawn("postgres", &mut server)
}

/// A program of the server, as a user that it accepts: it refuses to run as root.
fn program(name: &str) -> Command {
    // Of several versions, the one that a core needs at least.
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let oldest: Option<PathBuf> = versions.map(|version| version.path().join("bin")).min();
    let mut command = Command::new(oldest.expect("PostgreSQL is installed").join(name));
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
    }
    command
}

fn server_user() -> Option<User> {
    if !geteuid().is_root() {
        return None;
    }
    Some(User::from_name("postgres").expect("users").expect("its package makes a user"))
}

fn give(path: &Path) {
    if let Some(user) = server_user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("given");
    }
}

/// An initialized folder, made once for all tests of a build and copied by each.
fn template() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let place = program.parent().expect("a folder").join("postgres-of-the-system");
    let lock = File::create(place.with_extension("lock")).expect("a lock");
    lock.lock().expect("locked");
    if place.exists() {
        return place;
    }
    let folder = tempfile::tempdir().expect("a folder");
    give(folder.path());
    let data = folder.path().join("data");
    let made = self::program("initdb")
        .args(["--username=roomcast", "--auth=trust", "--no-sync", "--wal-segsize=1"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "initdb failed");
    let half = place.with_extension("half");
    let _ = fs::remove_dir_all(&half);
    copy(&data, &half);
    fs::rename(half, &place).expect("renamed");
    place
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).create(to).expect("made");
    give(to);
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
            give(&to);
        }
    }
}
