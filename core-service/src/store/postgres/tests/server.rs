//! A PostgreSQL server of one test, on a socket in a folder that goes with it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

/// Where Debian puts each version of the server.
const VERSIONS: &str = "/usr/lib/postgresql";
/// A server that is not up by then never is.
const START_MAX: Duration = Duration::from_secs(60);
/// Looks whether it is.
const PAUSE: Duration = Duration::from_millis(10);

pub(in super::super) struct Server {
    folder: TempDir,
    settings: Vec<String>,
    process: Child,
}

impl Server {
    /// A new, empty one. Its durability against power cuts is not what tests here look at.
    pub(super) fn start() -> Server {
        Server::start_with(&[], &[])
    }

    /// With settings and files of its own in its data folder.
    pub(super) fn start_with(settings: &[&str], files: &[(&str, &str)]) -> Server {
        let folder = owned(TempDir::new().expect("a folder"));
        let data = folder.path().join("data");
        copy(&template(), &data);
        for (name, text) in files {
            put(&data.join(name), text);
        }
        Server::run(folder, settings.iter().map(|one| (*one).to_owned()).collect())
    }

    /// A standby that has all that was committed so far, and follows without anybody waiting for it. The
    /// server needs `wal_level=replica` and `max_wal_senders`.
    pub(super) fn standby(&self) -> Server {
        let folder = owned(TempDir::new().expect("a folder"));
        let made = program("pg_basebackup")
            .args(["--username=roomcast", "--write-recovery-conf", "--checkpoint=fast"])
            .args(["--no-sync", "--wal-method=stream", "--host"])
            .arg(self.folder.path())
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "no base backup");
        Server::run(folder, self.settings.clone())
    }

    /// What `psql` says to a statement.
    pub(super) fn say(&self, statement: &str) -> String {
        let said = program("psql")
            .args(["--username=roomcast", "--dbname=postgres", "--no-psqlrc", "--tuples-only"])
            .args(["--no-align", "--set=ON_ERROR_STOP=1", "--command", statement])
            .args(["--port", port(&self.settings), "--host"])
            .arg(self.folder.path())
            .output()
            .expect("psql runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("text").trim().to_owned()
    }

    /// All that is in it, as `pg_dump` writes it.
    pub(super) fn dump(&self) -> Vec<u8> {
        let dumped = program("pg_dump")
            .args(["--username=roomcast", "--format=custom", "--dbname=postgres", "--host"])
            .arg(self.folder.path())
            .output()
            .expect("pg_dump runs");
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        dumped.stdout
    }

    /// Takes in what [`Server::dump`] wrote.
    pub(super) fn restore(&self, dump: &[u8]) {
        let mut restoring = program("pg_restore")
            .args(["--username=roomcast", "--exit-on-error", "--dbname=postgres", "--host"])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("pg_restore runs");
        restoring.stdin.take().expect("piped").write_all(dump).expect("taken in");
        assert!(restoring.wait().expect("ended").success(), "not restored");
    }

    /// The folder of its socket.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn url(&self) -> String {
        url(self.folder.path())
    }

    /// What another server finds that begins from this one's files, as they are at this moment.
    pub(super) fn crashed(&self) -> Server {
        let folder = owned(TempDir::new().expect("a folder"));
        self.signal(Signal::SIGSTOP);
        copy(&self.data(), &folder.path().join("data"));
        self.signal(Signal::SIGCONT);
        fs::remove_file(folder.path().join("data/postmaster.pid")).expect("was running");
        Server::run(folder, self.settings.clone())
    }

    /// Ends it as `kill -9` of all its processes does.
    pub(super) fn kill(&mut self) {
        let children = self.signal(Signal::SIGKILL);
        self.process.wait().expect("ended");
        // As long as one of them is there, so is its shared memory, and the next server refuses it.
        while children.iter().any(|child| is_running(*child)) {
            std::thread::park_timeout(PAUSE);
        }
    }

    /// Starts it again on what it left.
    pub(super) fn restart(&mut self) {
        fs::remove_file(self.data().join("postmaster.pid")).expect("was running");
        self.process = spawn(self.folder.path(), &self.settings);
        wait(self.folder.path(), &self.settings);
    }

    pub(super) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    fn run(folder: TempDir, settings: Vec<String>) -> Server {
        let process = spawn(folder.path(), &settings);
        wait(folder.path(), &settings);
        Server { folder, settings, process }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// To the server and all that it has started, which it answers.
    fn signal(&self, signal: Signal) -> Vec<Pid> {
        let server = Pid::from_raw(i32::try_from(self.process.id()).expect("a pid"));
        // Those of a server that has gone are nobody's.
        let mut all = children(server);
        kill(server, signal).expect("signalled");
        all.extend(children(server));
        for child in &all {
            // A child that has ended meanwhile needs no signal.
            let _ = kill(*child, signal);
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// What has ended has no arguments, whether its end was taken note of or not.
fn is_running(process: Pid) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|arguments| !arguments.is_empty())
}

fn children(server: Pid) -> Vec<Pid> {
    let path = format!("/proc/{server}/task/{server}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}

fn spawn(folder: &Path, settings: &[String]) -> Child {
    let log = File::create(folder.join("log")).expect("a log");
    let mut server = program("postgres");
    server.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    let usual = [
        "listen_addresses=",
        "fsync=off",
        "shared_buffers=16MB",
        "max_connections=100",
        "autovacuum=off",
        "max_wal_senders=0",
        "wal_level=minimal",
    ];
    // The last word counts.
    for setting in usual.into_iter().chain(settings.iter().map(String::as_str)) {
        server.arg("-c").arg(setting);
    }
    server.stdout(Stdio::null()).stderr(log).spawn().expect("PostgreSQL starts")
}

/// Waits until it takes connections.
fn wait(folder: &Path, settings: &[String]) {
    let begun = Instant::now();
    let is_up = || {
        let mut asked = program("pg_isready");
        asked.args(["--quiet", "--port", port(settings), "--host"]).arg(folder);
        asked.status().expect("pg_isready runs").success()
    };
    while !is_up() {
        if begun.elapsed() > START_MAX {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("the server does not start: {log}");
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// The number in its socket's name.
fn port(settings: &[String]) -> &str {
    let own = settings.iter().find_map(|setting| setting.strip_prefix("port="));
    own.unwrap_or("5432")
}

fn url(folder: &Path) -> String {
    format!("postgres://roomcast@localhost/postgres?host={}", folder.display())
}

/// A program of the server, as a user that it accepts: it refuses to run as root.
fn program(name: &str) -> Command {
    as_server(Command::new(programs().join(name)))
}

/// A program as that user.
pub(super) fn as_server(mut command: Command) -> Command {
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw()).current_dir("/");
    }
    command
}

/// Those of the oldest version that is installed: of several, the one that a core needs at least.
fn programs() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let oldest = versions.map(|version| version.path().join("bin")).min();
    oldest.expect("PostgreSQL is installed")
}

fn server_user() -> Option<User> {
    if !geteuid().is_root() {
        return None;
    }
    Some(User::from_name("postgres").expect("users").expect("its package makes a user"))
}

pub(super) fn owned(folder: TempDir) -> TempDir {
    give(folder.path());
    folder
}

/// A file that the server alone reads, as it demands of keys.
pub(super) fn put(path: &Path, text: &str) {
    let mut options = File::options();
    let file = options.create(true).write(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    give(path);
}

fn give(path: &Path) {
    if let Some(user) = server_user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("given");
    }
}

/// An initialized folder, made once for all tests of a build and copied by each.
fn template() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let place = program.parent().expect("a folder").join("postgres-15");
    let lock = File::create(place.with_extension("lock")).expect("a lock");
    lock.lock().expect("locked");
    if place.exists() {
        return place;
    }
    let folder = owned(TempDir::new().expect("a folder"));
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
            continue;
        }
        match fs::copy(entry.path(), &to) {
            Ok(_) => give(&to),
            // A running server removes files.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
        }
    }
}
