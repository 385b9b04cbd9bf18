//! A process under test: its output is kept, it is killed when dropped, and it must not have logged an
//! error or panicked by then.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::eventually::within;

/// What a process has written, by line.
type Lines = Arc<Mutex<Vec<String>>>;

/// A running, or ended, process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    out: Lines,
    err: Lines,
    readers: Vec<JoinHandle<()>>,
    /// Whether errors in its log fail the test.
    must_be_clean: bool,
}

impl Process {
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Process {
        raise_descriptor_limit();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{name} does not start ({}): {error}", command.get_program().display())
        });
        let (out, err) = (Lines::default(), Lines::default());
        let readers = vec![
            collect(child.stdout.take().expect("a pipe"), out.clone()),
            collect(child.stderr.take().expect("a pipe"), err.clone()),
        ];
        let stdin = child.stdin.take();
        Process { name: name.to_owned(), child, stdin, out, err, readers, must_be_clean: true }
    }

    /// For a process that is expected to fail, and to say so.
    pub(crate) fn may_log_errors(mut self) -> Process {
        self.must_be_clean = false;
        self
    }

    pub(crate) fn stdin(&mut self) -> &mut ChildStdin {
        self.stdin.as_mut().expect("an input that is open")
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn stdout_lines(&self) -> Vec<String> {
        self.out.lock().expect("no panic while reading").clone()
    }

    /// How many lines of output there are, and those from `from` on.
    pub(crate) fn stdout_from(&self, from: usize) -> Vec<String> {
        self.out.lock().expect("no panic while reading")[from..].to_vec()
    }

    pub(crate) fn stderr_lines(&self) -> Vec<String> {
        self.err.lock().expect("no panic while reading").clone()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().expect("a process that can be waited for");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), signal);
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let name = self.name.clone();
        within(limit, &format!("{name} ends"), async || {
            self.child.try_wait().expect("a process that can be waited for")
        })
        .await
    }

    /// Waits until all that an ended process wrote is read.
    pub(crate) fn finish_reading(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().expect("no panic while reading");
        }
    }

    /// Resident memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.child.id());
        let statm = std::fs::read_to_string(path).expect("/proc of a running process");
        let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.expect("the resident pages") * 4096
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
        let faults: Vec<String> =
            self.stderr_lines().into_iter().filter(|line| is_fault(line)).collect();
        if std::thread::panicking() {
            let (out, err) = (self.stdout_lines(), self.stderr_lines());
            eprintln!("---- {}: last output\n{}", self.name, tail(&out));
            eprintln!("---- {}: last log\n{}", self.name, tail(&err));
        } else if self.must_be_clean {
            assert!(faults.is_empty(), "{} logged errors:\n{}", self.name, faults.join("\n"));
        }
    }
}

/// Thousands of sockets, at both ends: as many descriptors as this process and what it starts may have.
fn raise_descriptor_limit() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit of descriptors");
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the limit that is allowed");
    }
}

/// An error in a JSON log line, or a panic.
fn is_fault(line: &str) -> bool {
    line.contains(r#""level":"ERROR""#) || line.contains("panicked at")
}

fn tail(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// Reads until the end, on a thread of its own: a full pipe would stop the process.
fn collect(source: impl Read + Send + 'static, kept: Lines) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            kept.lock().expect("no panic while reading").push(text);
            line.clear();
        }
    })
}
