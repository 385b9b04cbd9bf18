//! The one thread that writes. It takes what waits, decides and writes it in one transaction,
//! commits (the only fsync), taps the events, answers, and begins again at once: batches form while
//! the disk is busy with the one before, so that there is no timer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::clean;
use super::failure::{self, Failure, Verdict};
use super::rows::{Memory, Rows};
use crate::domain::event::Linked;
use crate::domain::job::Limits;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::store::answers::{Answer, Answers};
use crate::store::batch::Batch;
use crate::store::queue::{self, Budget, Request};
use crate::store::status::Status;
use crate::store::{CleanBudget, Cleaned, Command, Committed, Error, Tap, meter};

/// Commands of one transaction.
pub(super) const COMMANDS_MAX: usize = 2048;
/// Bytes of one transaction: what a disk writes in some milliseconds.
const BYTES_MAX: usize = 1 << 20;
/// Work of one transaction, before its fsync: bounds what a command waits for the others. Below it a
/// thousand publishers would not share a commit, and each page would be written more often.
const WORK_MAX: Duration = Duration::from_millis(10);

/// The clock by which leases, retention and events are dated.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// What to do, and where the outcome goes.
#[derive(Debug)]
pub(super) enum Work {
    Commit(Box<Command>, oneshot::Sender<Result<Committed, Error>>),
    Clean(CleanBudget, oneshot::Sender<Result<Cleaned, Error>>),
}

/// What the thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) checkpointer: Checkpointer,
    pub(super) memory: Memory,
    pub(super) retentions: Retentions,
    pub(super) limits: Arc<Limits>,
    pub(super) stamp: u32,
    pub(super) clock: Clock,
    pub(super) tap: Tap,
    pub(super) status: Status,
    pub(super) answers: Answers,
    pub(super) budget: Budget,
}

/// An outcome on its way back. It goes out after the commit.
enum Outcome {
    Commit(oneshot::Sender<Result<Committed, Error>>, Result<Committed, Error>),
    Clean(oneshot::Sender<Result<Cleaned, Error>>, Result<Cleaned, Error>),
}

impl Outcome {
    fn failed(self, error: &Error) -> Outcome {
        match self {
            Outcome::Commit(reply, _) => Outcome::Commit(reply, Err(error.clone())),
            Outcome::Clean(reply, _) => Outcome::Clean(reply, Err(error.clone())),
        }
    }
}

impl Answer for Outcome {
    fn give(self) {
        match self {
            Outcome::Commit(reply, outcome) => drop(reply.send(outcome)),
            Outcome::Clean(reply, outcome) => drop(reply.send(outcome)),
        }
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request<Work>>) {
        let _alarm = Alarm(self.status.clone());
        let mut arrived = Vec::with_capacity(COMMANDS_MAX);
        while queue.blocking_recv_many(&mut arrived, COMMANDS_MAX) > 0 {
            meter::queue_depth(queue.len() + arrived.len());
            let mut requests = arrived.drain(..);
            while requests.len() > 0 {
                self.batch(&mut requests);
            }
            // Whoever rests says so: the figure stands until the next request.
            meter::queue_depth(queue.len());
        }
    }

    /// Does as many requests as fit into one transaction.
    fn batch(&mut self, requests: &mut dyn ExactSizeIterator<Item = Request<Work>>) {
        let begun = Instant::now();
        let mut answers = Vec::with_capacity(requests.len());
        let mut bytes = 0;
        let outcome = self.transact(requests, begun, &mut answers, &mut bytes);
        // Before the answers: who is answered finds room for the next.
        self.budget.give_back(bytes);
        match outcome {
            Ok(events) => {
                meter::committed(answers.len(), begun.elapsed());
                if !events.is_empty() {
                    (self.tap)(&events);
                }
                self.answers.give(answers);
            }
            Err(failure) => {
                let error = self.give_up(failure);
                // A batch that failed for want of room says nothing of the requests behind it: the next
                // batch tries them. A store that has stopped answers them all.
                if self.status.failed().is_cancelled() {
                    answers.extend(requests.map(|request| unanswered(request.work)));
                }
                let failed = answers.into_iter().map(|answer| answer.failed(&error));
                self.answers.give(failed.collect());
            }
        }
        if let Err(error) = self.checkpointer.after_batch(&self.connection)
            && let Verdict::Fatal(reason) = failure::judge(&error)
        {
            self.status.stop(&reason);
        }
    }

    /// Begin, decide and write, commit. Tells how many bytes the requests hold that it has taken.
    fn transact(
        &mut self,
        requests: &mut dyn ExactSizeIterator<Item = Request<Work>>,
        begun: Instant,
        answers: &mut Vec<Outcome>,
        taken: &mut usize,
    ) -> Result<Vec<Linked>, Failure> {
        if self.status.failed().is_cancelled() {
            let stopped = Error::Unavailable("the store has stopped itself".into());
            return Err(Failure::Broken(self.status.writable().err().unwrap_or(stopped)));
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let changes = self.connection.total_changes();
        let rows = Rows {
            connection: &self.connection,
            memory: &mut self.memory,
            retentions: &self.retentions,
        };
        let mut batch = Batch {
            rows,
            limits: &self.limits,
            stamp: self.stamp,
            now: (self.clock)(),
            events: Vec::new(),
        };
        for Request { work, bytes } in requests {
            *taken += bytes;
            do_one(&mut batch, work, begun + WORK_MAX, &self.status, answers)?;
            if *taken >= BYTES_MAX || begun.elapsed() >= WORK_MAX {
                break;
            }
        }
        let events = batch.events;
        self.memory.heads.flush(&self.connection)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.memory.commit();
        if self.connection.total_changes() > changes && self.status.writable().is_err() {
            self.status.set_open();
        }
        Ok(events)
    }

    /// Rolls back, and decides whether the store goes on.
    fn give_up(&mut self, failure: Failure) -> Error {
        if !self.connection.is_autocommit() {
            // A rollback that fails leaves the transaction open, and the next BEGIN tells.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.memory.roll_back();
        let error = match failure {
            Failure::Refused(error) | Failure::Broken(error) => return error,
            Failure::Engine(error) => error,
        };
        match failure::judge(&error) {
            Verdict::Full => {
                if self.status.writable().is_ok() {
                    tracing::warn!("the disk has no room: commits are refused until it has");
                }
                self.status.set_full();
                // What is copied into the database makes room in the log.
                self.checkpointer.wake();
                Error::Full
            }
            Verdict::Busy => Error::Unavailable("another program holds the database".into()),
            Verdict::Fatal(reason) => {
                tracing::error!(%reason, "a commit failed: the store stops itself to stay right");
                self.status.stop(&reason)
            }
        }
    }
}

fn do_one(
    batch: &mut Batch<'_, Rows<'_>>,
    work: Work,
    until: Instant,
    status: &Status,
    answers: &mut Vec<Outcome>,
) -> Result<(), Failure> {
    let failure = match work {
        Work::Commit(command, reply) => match batch.apply(&command) {
            Ok(committed) => {
                answers.push(Outcome::Commit(reply, Ok(committed)));
                return Ok(());
            }
            Err(Failure::Refused(error)) => {
                answers.push(Outcome::Commit(reply, Err(error)));
                return Ok(());
            }
            Err(failure) => {
                answers.push(unanswered_commit(reply));
                failure
            }
        },
        Work::Clean(budget, reply) => {
            let probed = if status.writable().is_err() {
                clean::probe_room(batch.rows.connection).map_err(Failure::Engine)
            } else {
                Ok(())
            };
            match probed.and_then(|()| clean::clean(&mut batch.rows, budget, until)) {
                Ok(cleaned) => {
                    answers.push(Outcome::Clean(reply, Ok(cleaned)));
                    return Ok(());
                }
                Err(failure) => {
                    answers.push(Outcome::Clean(reply, Ok(Cleaned::default())));
                    // What it wrote before it failed must not stay by half.
                    match failure {
                        Failure::Refused(error) => Failure::Broken(error),
                        other @ (Failure::Broken(_) | Failure::Engine(_)) => other,
                    }
                }
            }
        }
    };
    Err(failure)
}

/// An answer that only ever carries the batch's error.
fn unanswered(work: Work) -> Outcome {
    match work {
        Work::Commit(_, reply) => unanswered_commit(reply),
        Work::Clean(_, reply) => Outcome::Clean(reply, Ok(Cleaned::default())),
    }
}

fn unanswered_commit(reply: oneshot::Sender<Result<Committed, Error>>) -> Outcome {
    Outcome::Commit(reply, Err(queue::gone()))
}

/// Tells the process when the writer dies of a panic.
struct Alarm(Status);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("the writer panicked");
        }
    }
}
