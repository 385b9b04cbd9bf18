//! Carries the command's output to the terminal and into reports.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::Stdio;

use bytes::Bytes;
use roomcast_agent::child::Child;
use roomcast_client::worker::{Lost, Work};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Channel};
use crate::output::{self, Stream};

/// With what was already there, a report stays below 64 KiB.
const READ_BYTES_MAX: usize = 32 * 1024;

/// What a command writes.
#[derive(Debug)]
pub(super) struct Pipes {
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Pipes {
    /// Starts a command whose output is carried.
    pub(super) fn spawn(command: &[OsString]) -> io::Result<(Child, Pipes)> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // A group in the background that reads the terminal would be stopped by it.
        let stdin = if io::stdin().is_terminal() { Stdio::null() } else { Stdio::inherit() };
        let mut command = Command::new(program);
        command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Child::spawn(command)?;
        match (child.stdout(), child.stderr()) {
            (Some(stdout), Some(stderr)) => Ok((child, Pipes { stdout, stderr })),
            _ => Err(io::Error::other("the command has no pipes")),
        }
    }
}

/// Where the command's output is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Echo {
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
}

/// Reads until both streams end, or until `enough`. While the reports' ring is full it does not read,
/// and the command waits in its writes: nothing is lost and nothing piles up.
pub(super) async fn run(
    pipes: Pipes,
    work: &Work,
    (mut batch, echo): (Batch, Echo),
    enough: CancellationToken,
) -> Result<(), Lost> {
    let mut stdout = Source::new(pipes.stdout, Channel::Stdout, echo.stdout);
    let mut stderr = Source::new(pipes.stderr, Channel::Stderr, echo.stderr);
    while stdout.is_open || stderr.is_open {
        let due_at = batch.due_at();
        let is_due = tokio::select! {
            read = stdout.read(), if stdout.is_open => {
                stdout.pass_on(read, &mut batch).await;
                batch.is_full()
            }
            read = stderr.read(), if stderr.is_open => {
                stderr.pass_on(read, &mut batch).await;
                batch.is_full()
            }
            () = sleep_until(due_at.unwrap_or_else(Instant::now)), if due_at.is_some() => true,
            () = enough.cancelled() => break,
        };
        if is_due {
            work.report(batch.take()).await?;
        }
    }
    if batch.due_at().is_some() {
        work.report(batch.take()).await?;
    }
    Ok(())
}

struct Source<R> {
    pipe: R,
    channel: Channel,
    echo: Stream,
    buffer: Vec<u8>,
    is_open: bool,
}

impl<R: AsyncRead + Unpin> Source<R> {
    fn new(pipe: R, channel: Channel, echo: Stream) -> Self {
        Self { pipe, channel, echo, buffer: vec![0; READ_BYTES_MAX], is_open: true }
    }

    async fn read(&mut self) -> io::Result<usize> {
        self.pipe.read(&mut self.buffer).await
    }

    async fn pass_on(&mut self, read: io::Result<usize>, batch: &mut Batch) {
        match read {
            Ok(0) | Err(_) => self.is_open = false,
            Ok(length) => {
                // A copy of its length: a kept report must not keep a whole buffer alive.
                let data = Bytes::copy_from_slice(&self.buffer[..length]);
                // A terminal that is gone does not end the job.
                let _ = output::echo(self.echo, &data).await;
                batch.push(self.channel, data, Instant::now());
            }
        }
    }
}
