//! A test command, started under guard, and what it writes.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::fcntl::OFlag;
use roomcast_client::worker::Failure;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::Command;

use super::case::Found;
use super::junit;
use crate::guarded::Guarded;
use crate::workspace::{Format, TestCommand};

/// A report of some ten thousand cases. A larger one is cut, and its cases with it.
const REPORT_BYTES_MAX: u64 = 16 << 20;
/// Some filesystems keep a file's time in whole seconds, rounded down.
const WRITTEN_SLACK: Duration = Duration::from_secs(1);
/// Settings of the agent and of the servers beside it: a test has no use for their secrets.
const OWN_VARIABLES: &str = "ROOMCAST_";

/// A running test command. Dropping it kills all of it.
#[derive(Debug)]
pub(super) struct TestProcess {
    pub(super) command: Guarded,
    /// Both of its streams, in the order written.
    pub(super) output: pipe::Receiver,
    report: Option<Report>,
}

/// The file that JUnit XML is expected in.
#[derive(Debug, Clone)]
pub(super) struct Report {
    path: PathBuf,
    began: SystemTime,
}

impl TestProcess {
    pub(super) async fn start(test: &TestCommand, folder: &Path) -> io::Result<TestProcess> {
        let (reader, writer) = io::pipe()?;
        let began = SystemTime::now();
        let argv = test.argv().iter().map(OsStr::new);
        let command = Guarded::spawn(argv, writer.into(), |command| {
            command.current_dir(folder);
            environment(command, test.format());
        });
        let command = command.await?;
        let output = pipe::Receiver::from_owned_fd(reader.into())?;
        let report = test.report().map(|path| Report { path: folder.join(path), began });
        Ok(TestProcess { command, output, report })
    }

    pub(super) fn report(&self) -> Option<Report> {
        self.report.clone()
    }
}

impl Report {
    /// The cases that the command has written there. One of an earlier run counts for nothing.
    pub(super) async fn read(&self) -> Result<Vec<Found>, Failure> {
        let missing =
            |why: String| Failure::new("report_missing", format!("{}: {why}", self.path.display()));
        // What lies there was left by the tested code: a pipe must not hold up the agent, nor a link
        // lead it elsewhere.
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits();
        let opened =
            tokio::fs::OpenOptions::new().read(true).custom_flags(flags).open(&self.path).await;
        let file = opened.map_err(|error| missing(error.to_string()))?;
        let metadata = file.metadata().await.map_err(|error| missing(error.to_string()))?;
        if !metadata.is_file() {
            return Err(missing("it is no file".to_owned()));
        }
        if metadata.modified().is_ok_and(|written| written < self.began - WRITTEN_SLACK) {
            return Err(missing("the command did not write it".to_owned()));
        }
        let mut xml = Vec::new();
        let read = file.take(REPORT_BYTES_MAX).read_to_end(&mut xml).await;
        read.map_err(|error| missing(error.to_string()))?;
        Ok(junit::cases(&xml))
    }
}

/// Plain lines, one for each case and at once.
fn environment(command: &mut Command, format: Format) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(OWN_VARIABLES) {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").env("CARGO_TERM_COLOR", "never").env("COLUMNS", "120");
    match format {
        Format::Pytest => {
            let own = std::env::var("PYTEST_ADDOPTS").unwrap_or_default();
            command.env("PYTEST_ADDOPTS", format!("{own} -v --color=no"));
            command.env("PYTHONUNBUFFERED", "1");
        }
        Format::Cargo | Format::Nextest | Format::Tap | Format::Junit => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<testsuite><testcase classname="a" name="b"/></testsuite>"#;

    async fn read(path: PathBuf, began: SystemTime) -> Result<Vec<Found>, Failure> {
        // A pipe is opened at once, or never.
        tokio::time::timeout(Duration::from_secs(30), Report { path, began }.read()).await.unwrap()
    }

    #[tokio::test]
    async fn a_report_is_a_file_that_this_run_has_written() {
        let folder = tempfile::tempdir().unwrap();
        let [report, pipe, link] =
            ["report.xml", "pipe", "link"].map(|name| folder.path().join(name));
        std::fs::write(&report, XML).unwrap();
        let written = report.metadata().unwrap().modified().unwrap();
        assert_eq!(read(report.clone(), written + WRITTEN_SLACK / 2).await.unwrap().len(), 1);
        let earlier = read(report.clone(), written + WRITTEN_SLACK * 2).await.unwrap_err();
        assert_eq!(earlier.code(), "report_missing");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::os::unix::fs::symlink(&report, &link).unwrap();
        for other in [pipe, link, folder.path().to_owned()] {
            assert_eq!(read(other, written).await.unwrap_err().code(), "report_missing");
        }
    }
}
