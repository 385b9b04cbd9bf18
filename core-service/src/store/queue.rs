//! The way to the writer: bounded in commands and in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::domain::event::Body;
use crate::domain::job;
use crate::domain::payload::Payload;
use crate::store::Error;
use crate::store::commit::{Action, Command};

/// Commands that wait: a second's work of a slow disk.
pub(crate) const COMMANDS_MAX: usize = 8192;
/// Bytes that wait: bounds the memory whatever the size of a command.
pub(crate) const BYTES_MAX: usize = 16 << 20;
/// What a command holds besides payloads, roughly.
const COMMAND_BYTES: usize = 512;

/// Something for a writer to do.
#[derive(Debug)]
pub(crate) struct Request<W> {
    pub(crate) work: W,
    /// What it takes from the queue's budget until it is done.
    pub(crate) bytes: usize,
}

/// Bytes that wait, or are at work. Whoever takes requests gives those of a whole batch back at once:
/// everybody writes this line of memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    /// Takes bytes, if there are not `max` then.
    fn take(&self, bytes: usize, max: usize) -> bool {
        let is_within = self.0.fetch_add(bytes, Ordering::Relaxed) + bytes <= max;
        if !is_within {
            self.give_back(bytes);
        }
        is_within
    }

    /// Gives back those of requests that are done.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Where requests enter.
#[derive(Debug)]
pub(crate) struct Queue<W> {
    sender: mpsc::Sender<Request<W>>,
    budget: Budget,
    bytes_max: usize,
}

impl<W> Queue<W> {
    pub(crate) fn new(
        commands_max: usize,
        bytes_max: usize,
    ) -> (Queue<W>, mpsc::Receiver<Request<W>>, Budget) {
        let (sender, receiver) = mpsc::channel(commands_max);
        let budget = Budget::default();
        (Queue { sender, budget: budget.clone(), bytes_max }, receiver, budget)
    }

    /// Enters a request that holds so many bytes, or refuses it at once.
    pub(crate) fn enter(&self, work: W, bytes: usize) -> Result<(), Error> {
        if !self.budget.take(bytes, self.bytes_max) {
            return Err(Error::Overloaded);
        }
        self.sender.try_send(Request { work, bytes }).map_err(|refused| {
            self.budget.give_back(bytes);
            match refused {
                mpsc::error::TrySendError::Full(_) => Error::Overloaded,
                mpsc::error::TrySendError::Closed(_) => gone(),
            }
        })
    }
}

/// The writer has ended.
pub(crate) fn gone() -> Error {
    Error::Unavailable("the writer has ended".into())
}

/// What a command holds in memory, roughly.
pub(crate) fn size(command: &Command) -> usize {
    let payload = |payload: &Option<Payload>| payload.as_ref().map_or(0, |p| p.data.len());
    COMMAND_BYTES
        + match command.action.bare() {
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
                let own = report.events.iter();
                let own: usize =
                    own.map(|event| COMMAND_BYTES / 4 + event.payload.data.len()).sum();
                output
                    + own
                    + match &report.end {
                        Some(job::End::Completed(result)) => payload(result),
                        Some(
                            job::End::Failed { .. } | job::End::Cancelled | job::End::Released,
                        )
                        | None => 0,
                    }
            }
            Action::Session(action) => action.bytes(),
            Action::Job { .. } | Action::Access(_) | Action::Audited { .. } => 0,
        }
}
