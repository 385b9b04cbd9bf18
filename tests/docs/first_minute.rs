//! The first minute of somebody who has cloned the tree: one command, no configuration, and an event that
//! is live in a browser. In a proof that is `make run` in a fresh clone, everything compiled anew; in every
//! run it is the program that was built with the tests.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use super::quickstart::root;
use crate::support::evidence::proves;
use crate::support::{Evidence, Port, Process, finish, roomcast, tests_folder, within};

/// All of the tree, for the first time, on a machine with few cores.
const BUILD_MAX: Duration = Duration::from_secs(3600);
const START_MAX: Duration = Duration::from_secs(30);
const END_MAX: Duration = Duration::from_secs(15);
/// What cargo says when it hands over to the program.
const HANDED_OVER: &str = "Running `target/debug/roomcast dev";
/// The line of the banner that tells where to look.
const PAGE: &str = "page    http://";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_minute_from_a_clone_to_a_live_event_takes_one_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut visitor = Process::spawn("chromium", &mut visitor());
    told(&visitor, START_MAX, "ready").await;
    let ports = [(); 2].map(|()| Port::reserve());

    let begun = Instant::now();
    let mut server = Server::start(folder.path(), &ports).await;
    let built = server.handed_over().await;
    server.says(PAGE).await;
    let ready = Instant::now();
    writeln!(visitor.stdin(), "{}/", ports[0].url()).expect("a browser that listens");
    let opened = told(&visitor, START_MAX, "opened").await;
    assert!(opened.as_str().is_some_and(|url| url.ends_with("/console/")), "{opened}");
    let live = told(&visitor, START_MAX, "live").await;
    let seen = Instant::now();
    assert!(live.as_str().is_some_and(|text| text.contains("hello")), "{live}");
    server.end().await;

    let seconds = |from: Instant, to: Instant| format!("{:.1} s", (to - from).as_secs_f64());
    Evidence::of_build("The first minute", "the_first_minute_from_a_clone", "debug, by cargo")
        .row("commands, from a clone to a live event", "1: `make run`")
        .row("edits of a configuration", 0)
        .row("packages of cargo and npm", "in their caches; nothing built")
        .row(
            "`make run` until the program starts: packages, console, a cold build",
            seconds(begun, built),
        )
        .row("the program's start until it serves", seconds(built, ready))
        .row("until an event published in the browser is live there", seconds(ready, seen))
        .row("the program's start until that event", seconds(built, seen))
        .write("first-minute");
}

fn visitor() -> Command {
    let folder = tests_folder().join("node");
    let mut command = Command::new("node");
    command.arg("first_minute.mjs").current_dir(folder);
    command
}

/// What the browser has told under a name.
async fn told(visitor: &Process, limit: Duration, name: &str) -> Value {
    within(limit, name, async || {
        let lines = visitor.stdout_lines();
        let all = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        all.inspect(|told| assert!(told.get("fault").is_none(), "{told}"))
            .find_map(|told| told.get(name).cloned())
    })
    .await
}

/// `make run` in a clone, or the program that is built already, in a group of its own.
struct Server {
    process: Process,
    begun: Instant,
}

impl Server {
    async fn start(folder: &Path, [http, grpc]: &[Port; 2]) -> Server {
        // Other tests have the ports that it takes by itself.
        let places = format!("--http {} --grpc {}", http.address(), grpc.address());
        let mut command = if proves() {
            let clone = folder.join("clone");
            let mut git = Command::new("git");
            finish(git.args(["clone", "--quiet"]).arg(root()).arg(&clone)).await.ok();
            let mut make = Command::new("make");
            make.arg("run").arg(format!("ARGS={places}")).current_dir(clone);
            make.env_remove("CARGO_TARGET_DIR").env_remove("MAKEFLAGS");
            make
        } else {
            let mut dev = roomcast(&["dev"]);
            dev.args(places.split(' ')).current_dir(folder);
            dev
        };
        let begun = Instant::now();
        Server { process: Process::spawn("make run", command.process_group(0)), begun }
    }

    /// When the program began.
    async fn handed_over(&mut self) -> Instant {
        if !proves() {
            return self.begun;
        }
        within(BUILD_MAX, "the program is built", async || {
            assert!(self.process.is_running(), "it does not build");
            let lines = self.process.stderr_lines();
            lines.iter().any(|line| line.contains(HANDED_OVER)).then(Instant::now)
        })
        .await
    }

    async fn says(&mut self, what: &str) {
        within(START_MAX, what, async || {
            assert!(self.process.is_running(), "the program has ended");
            let lines = self.process.stdout_lines();
            lines.iter().any(|line| line.contains(what)).then_some(())
        })
        .await;
    }

    /// As Ctrl-C in its terminal does.
    async fn end(mut self) {
        self.signal(Signal::SIGINT);
        self.process.ended(END_MAX).await;
    }

    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(i32::try_from(self.process.id()).expect("a process id"));
        // It may have ended by itself.
        let _ = killpg(group, signal);
    }
}

/// A test that fails must not leave a build or a server behind.
impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
