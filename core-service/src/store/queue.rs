//! The way to the writer: bounded in commands and in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::domain::event::Body;
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::store::commit::{Action, Command};
use crate::store::{CleanBudget, Cleaned, Committed, Error};

/// Commands that wait: a second's work of a slow disk.
pub(crate) const COMMANDS_MAX: usize = 8192;
/// Bytes that wait: bounds the memory whatever the size of a command.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// What a command holds besides payloads, roughly.
const COMMAND_BYTES: usize = 512;

/// Something for the writer to do.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) work: Work,
    pub(crate) charge: Charge,
}

/// What to do, and where the outcome goes.
#[derive(Debug)]
pub(crate) enum Work {
    Commit(Box<Command>, oneshot::Sender<Result<Committed, Error>>),
    Clean(CleanBudget, oneshot::Sender<Result<Cleaned, Error>>),
}

/// Bytes that a request takes from the queue's budget until it is done.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) bytes: usize,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Where requests enter.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Request>,
    waiting: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Queue {
    pub(crate) fn new(commands_max: usize, bytes_max: usize) -> (Queue, mpsc::Receiver<Request>) {
        let (sender, receiver) = mpsc::channel(commands_max);
        (Queue { sender, waiting: Arc::default(), bytes_max }, receiver)
    }

    /// Enters a request, or refuses it at once.
    pub(crate) fn enter(&self, work: Work) -> Result<(), Error> {
        let bytes = match &work {
            Work::Commit(command, _) => size(command),
            Work::Clean(..) => 0,
        };
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let charge = Charge { bytes, waiting: Arc::clone(&self.waiting) };
        if before + bytes > self.bytes_max {
            return Err(Error::Overloaded);
        }
        self.sender.try_send(Request { work, charge }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => gone(),
        })
    }
}

/// The writer has ended.
pub(crate) fn gone() -> Error {
    Error::Unavailable("the writer has ended".into())
}

/// What a command holds in memory, roughly.
fn size(command: &Command) -> usize {
    let payload = |payload: &Option<Payload>| payload.as_ref().map_or(0, |p| p.data.len());
    COMMAND_BYTES
        + match &command.action {
            Action::Publish { events, .. } => {
                let body = |body: &Body| match body {
                    Body::Payload(payload) => payload.data.len(),
                    Body::Job(_) | Body::Summary(_) | Body::Session(_) => COMMAND_BYTES,
                };
                events.iter().map(|event| COMMAND_BYTES / 4 + body(&event.body)).sum()
            }
            Action::CreateJob { input, .. } => payload(input),
            Action::Job { command: job::Command::Report(report), .. } => {
                let output: usize = report.output.iter().map(|chunk| chunk.data.len()).sum();
                output
                    + match &report.end {
                        Some(job::End::Completed(result)) => payload(result),
                        Some(
                            job::End::Failed { .. } | job::End::Cancelled | job::End::Released,
                        )
                        | None => 0,
                    }
            }
            Action::Session(action) => action.bytes(),
            Action::Job { .. } | Action::Access(_) => 0,
        }
}
