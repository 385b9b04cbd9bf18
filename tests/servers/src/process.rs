//! A server's process, and those that it has started.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What has not come about by then never does: busy machines make seconds long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(10);
/// Of a log that is shown.
const LAST_LINES: usize = 60;

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    /// What ends it so that it leaves nothing behind.
    farewell: Signal,
}

impl Process {
    /// What it writes goes to the end of `log`.
    pub(crate) fn spawn(command: &mut Command, log: PathBuf, farewell: Signal) -> Process {
        let name = command.get_program().display().to_string();
        let out = File::options().create(true).append(true).open(&log).expect("a log");
        let err = out.try_clone().expect("a log");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Process { child, log, farewell }
    }

    /// Stops it and all that it has started where they are, until [`Process::go_on`].
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// `kill -9` of it and all that it has started, and waits until they are gone.
    pub(crate) fn kill(&mut self) {
        // Where it was killed before, its number may be another's.
        if !self.lives() {
            return;
        }
        let children = self.signal(Signal::SIGKILL);
        self.child.wait().expect("ended");
        // As long as one of them is there, so is its shared memory, and the next server refuses it.
        until("the server's processes are gone", || !children.iter().any(|one| is_running(*one)));
    }

    /// To it and all that it has started, which are answered.
    fn signal(&self, signal: Signal) -> Vec<Pid> {
        let server = self.id();
        // Those of a server that has gone are nobody's.
        let mut all = children(server);
        kill(server, signal).expect("signalled");
        all.extend(children(server));
        for child in &all {
            // One that has ended meanwhile needs no signal.
            let _ = kill(*child, signal);
        }
        all
    }

    fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    fn show_log(&self) {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        eprintln!("---- last of {}\n{}", self.log.display(), last.join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        if self.lives() {
            let _ = kill(self.id(), self.farewell);
            // Who stands still does not hear it.
            self.go_on();
            let _ = self.child.wait();
        }
    }
}

/// Waits until it is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "did not come about within {PATIENCE:?}: {what}");
        std::thread::park_timeout(PAUSE);
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
