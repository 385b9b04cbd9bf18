//! Sees a test command to its end: output out, signals in.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use roomcast_client::worker::{Failure, Lost, Stop, Work};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until};

use super::ending::Ending;
use super::process::TestProcess;
use super::tally::Tally;

/// What a command may write. A run of many thousand cases writes a few megabytes.
pub(super) const OUTPUT_BYTES_MAX: u64 = 64 << 20;
/// What is read at once: a report of a few pages.
const READ_BYTES_MAX: usize = 32 * 1024;
/// What a person still sees as at once.
const FLUSH_AFTER: Duration = Duration::from_millis(50);
/// Who has the pipe from the command and does not descend from it may hold it open; so long last words
/// are waited for.
const LINGER: Duration = Duration::from_secs(2);

/// A command under watch. Dropping it, as when the lease is lost, kills all of it.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    work: &'a Work,
    process: TestProcess,
    tally: &'a mut Tally,
    deadline: Instant,
    flush_at: Option<Instant>,
    /// When the command is killed, after it was asked to end; then, when enough was waited for output.
    next_at: Option<Instant>,
    exited: Option<ExitStatus>,
    /// Why it was ended, when it was.
    ended: Option<Ending>,
    is_open: bool,
    written: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        work: &'a Work,
        process: TestProcess,
        tally: &'a mut Tally,
        timeout: Duration,
    ) -> Self {
        Self {
            work,
            process,
            tally,
            deadline: Instant::now() + timeout,
            flush_at: None,
            next_at: None,
            exited: None,
            ended: None,
            is_open: true,
            written: 0,
        }
    }

    pub(super) async fn run(mut self) -> Result<Ending, Stop> {
        let mut buffer = vec![0; READ_BYTES_MAX];
        let work = self.work;
        let status = loop {
            if let Some(status) = self.exited.filter(|_| !self.is_open) {
                break status;
            }
            let may_end = self.ended.is_none() && self.exited.is_none();
            tokio::select! {
                read = self.process.output.read(&mut buffer), if self.is_open => {
                    self.read(read, &buffer);
                }
                status = self.process.command.wait(), if self.exited.is_none() => self.exited(status)?,
                () = work.cancelled().cancelled(), if may_end => self.cancel(),
                () = sleep_until(self.deadline), if may_end => self.end(Ending::TimedOut),
                () = at(self.next_at), if self.next_at.is_some() => self.elapsed(),
                () = at(self.flush_at), if self.flush_at.is_some() => self.flush().await?,
            }
            if self.tally.is_full() {
                self.flush().await?;
            }
        };
        self.tally.finish();
        self.flush().await?;
        Ok(self.ended.unwrap_or(Ending::Exited(status)))
    }

    fn read(&mut self, read: io::Result<usize>, buffer: &[u8]) {
        let length = match read {
            Ok(0) | Err(_) => {
                self.is_open = false;
                return;
            }
            Ok(length) => length,
        };
        self.written += length as u64;
        if self.written > OUTPUT_BYTES_MAX {
            self.is_open = false;
            return self.end(Ending::TooMuchOutput);
        }
        self.tally.write(&buffer[..length]);
        self.flush_at.get_or_insert_with(|| Instant::now() + FLUSH_AFTER);
    }

    /// The command has ended, and what it left running with it.
    fn exited(&mut self, status: io::Result<ExitStatus>) -> Result<(), Failure> {
        let lost = |error: io::Error| Failure::new("command_lost", error.to_string()).retryable();
        self.exited = Some(status.map_err(lost)?);
        self.next_at = Some(Instant::now() + LINGER);
        Ok(())
    }

    /// Asks the command to end, and leaves a fifth of the grace for the word of it.
    fn cancel(&mut self) {
        self.ended = Some(Ending::Cancelled);
        self.process.command.terminate();
        self.next_at = Some(Instant::now() + self.work.grace().unwrap_or_default() * 4 / 5);
    }

    fn end(&mut self, ending: Ending) {
        self.ended = Some(ending);
        self.process.command.kill();
    }

    fn elapsed(&mut self) {
        self.next_at = None;
        match self.exited {
            Some(_) => self.is_open = false,
            None => self.process.command.kill(),
        }
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.flush_at = None;
        for news in self.tally.news() {
            self.work.report(news).await?;
        }
        Ok(())
    }
}

async fn at(moment: Option<Instant>) {
    sleep_until(moment.unwrap_or_else(Instant::now)).await;
}
