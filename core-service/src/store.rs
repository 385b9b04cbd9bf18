//! The store: the truth. One seam, a handful of methods at the level of commands, never of rows; the
//! contract below is executed for every engine by [`conformance`].

mod answers;
mod batch;
mod catalog;
mod codec;
pub mod commit;
pub mod edge;
mod job;
mod lead;
mod meter;
mod output;
mod page;
pub mod postgres;
mod queue;
mod readers;
pub mod session;
mod sql;
pub mod sqlite;
mod status;
mod sweep;
pub(crate) mod transcript;
mod types;

#[cfg(test)]
mod conformance;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Event, Linked};
use crate::domain::time::Time;
use crate::domain::topic::Topic;

pub use catalog::{AccessQuery, Catalog, JobPage, JobQuery, Stored, TopicLine, TopicQuery};
pub use commit::{Command, Committed, Refusal};
pub use lead::{Claim, Lead};
pub use page::{Page, PageLimit};

/// A durable store of topics and of the state that their events fold into.
///
/// Every engine MUST uphold, for each method, what its text says. "Durable" means: survives `kill -9`
/// and a power cut at any later moment.
#[async_trait]
pub trait Store: Catalog + fmt::Debug + Send + Sync + 'static {
    /// Decides and commits a command: state and events in one transaction.
    ///
    /// - MUST return `Ok` only once the commit is durable.
    /// - MUST assign offsets per topic without a gap, and tap each topic's events in offset order,
    ///   once, after they are durable and before it returns; each names the one before it.
    /// - MUST serialize commands that touch the same topic or job: each decides on the state that the
    ///   one before left.
    /// - MUST answer a command whose idempotency key is known from the first one's outcome, if the
    ///   content is the same, and refuse it otherwise; of racing commands with one key exactly one
    ///   commits.
    /// - MUST refuse a lease beyond the limits of the job's kind, whoever asks for it at the same time.
    /// - MUST change nothing when it refuses, and MUST NOT leave an outcome unknown: after an error
    ///   other than [`Error::Unavailable`] nothing was committed.
    /// - After [`Error::Full`] reads MUST go on, and commits MUST succeed again once there is room.
    async fn commit(&self, command: Command) -> Result<Committed, Error>;

    /// Reads events after `after`, in order, without a hole: `(after, after + n]`.
    /// MUST begin at the oldest retained event when `after` lies before it; `Page::floor` tells.
    /// MUST tell in `Page::before` whose event stands at `after`, from the same moment.
    /// MUST hold no snapshot open longer than the page.
    async fn read(&self, topic: &Topic, after: u64, limit: PageLimit) -> Result<Page, Error>;

    /// Where a topic stands, and how a reader may go on from `cursor`. A topic that nobody has
    /// written to stands at [`Cursor::START`].
    /// MUST answer for the topic of rights however long other reads take: edges wait for it.
    async fn position(&self, topic: &Topic, cursor: Option<Cursor>) -> Result<Position, Error>;

    /// The last event of each type, oldest first, at most `limit`, and the head they stand at; both
    /// from one moment.
    async fn last_values(&self, topic: &Topic, limit: usize)
    -> Result<(Cursor, Vec<Event>), Error>;

    /// Bytes `[from, from + max)` of an attempt's output, as far as they are written.
    /// MUST begin at the oldest retained byte when `from` lies before it; `Piece::start` tells.
    async fn job_output(&self, query: OutputQuery) -> Result<Piece, Error>;

    /// Jobs to look at: free ones for workers, or those whose deadline has passed.
    async fn agenda(&self, query: AgendaQuery) -> Result<Vec<Candidate>, Error>;

    /// Deletes what is past its retention: a little, so that commits never wait long. Returns what was
    /// done; nothing when nothing is left to do.
    /// MUST raise the floor of a topic in the transaction that deletes its events.
    async fn clean(&self, budget: CleanBudget) -> Result<Cleaned, Error>;

    /// Of topics that a caller knows to stand at these cursors, those that do not: where they stand, with
    /// the judgement of the cursor. Each topic as often as it was named.
    /// MUST cost an engine that several cores share one statement, not one for each topic.
    async fn heads(&self, known: Vec<(Topic, Cursor)>) -> Result<Vec<(Topic, Position)>, Error>;

    /// Claims the lead among all cores on the store, or renews or gives it up.
    ///
    /// - MUST go by one clock for all cores.
    /// - MUST NOT let a core have it before the time is over that another was promised, unless that one
    ///   gave it up.
    async fn lead(&self, claim: Claim) -> Result<Lead, Error>;

    /// Whether commits are taken: `Err` says why not. Reads may still work.
    fn writable(&self) -> Result<(), Error>;
}

/// Hears every committed event, in order per topic, on the thread that committed it: MUST NOT block.
pub type Tap = Arc<dyn Fn(&[Linked]) + Send + Sync>;

/// Where a topic stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The last event.
    pub head: Cursor,
    /// Events up to this offset are gone.
    pub floor: u64,
    /// Bytes of retained bodies.
    pub bytes: u64,
    /// The judgement of the cursor that was given.
    pub resume: Option<Resume>,
}

/// Which output to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputQuery {
    /// The job.
    pub job_id: String,
    /// The attempt.
    pub attempt: u32,
    /// The channel.
    pub channel: String,
    /// First byte.
    pub from: u64,
    /// At most so many bytes.
    pub max: usize,
}

/// A piece of an attempt's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins: later than asked for if what lies before it is past its retention.
    pub start: u64,
    /// Empty where nothing is kept of what was asked for.
    pub data: Bytes,
}

impl Piece {
    /// The piece, of an output that has `size` bytes if that is known: where it is empty before their end,
    /// nothing of them is kept, and it begins there.
    #[must_use]
    pub fn within(self, size: Option<u64>) -> Piece {
        match size {
            Some(size) if self.data.is_empty() => Piece { start: self.start.max(size), ..self },
            Some(_) | None => self,
        }
    }
}

/// Which jobs to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgendaQuery {
    /// Free jobs in the order in which workers shall get them: priority first, then round-robin over
    /// owners and projects (`Candidate::fairness_key`), oldest first. No more than the limits of
    /// their kinds leave room for: what is behind a limit is passed over.
    Free {
        /// Of these kinds.
        kinds: Vec<String>,
        /// Of this tenant, or of all.
        tenant: Option<String>,
        /// Pinned to nobody or to one of these.
        seekers: Vec<Seeker>,
        /// At most so many.
        limit: usize,
    },
    /// Jobs whose deadline has passed, the longest passed first.
    Due {
        /// The moment.
        now: Time,
        /// At most so many.
        limit: usize,
    },
    /// The next deadline of any job: at most one candidate.
    Next,
}

/// A worker for whom jobs are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeker {
    /// Who.
    pub worker: String,
    /// How many of the jobs that are pinned to it are of use to it.
    pub pinned_max: usize,
}

/// A job to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The job.
    pub job_id: String,
    /// Of free jobs: the worker that alone may have it, if there is one.
    pub pinned: Option<String>,
    /// Jobs with the same key share a worker's turn.
    pub fairness_key: String,
    /// Its next deadline, if it has one.
    pub deadline: Option<Time>,
}

/// How much one cleaning may do, and what is too old at which moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanBudget {
    /// The moment.
    pub now: Time,
    /// At most so many events.
    pub events: usize,
    /// At most so long.
    pub time: Duration,
}

/// What a cleaning did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Events that it deleted.
    pub events: u64,
    /// Jobs that it deleted, whole.
    pub jobs: u64,
    /// Idempotency keys, entries of who may come in, and pieces of graphs that nothing names: deleted.
    pub keys: u64,
    /// Topics that it looked at, whether they hold more than they may.
    pub topics: u64,
}

/// Why the store did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The command is not to be: nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The queue of commands is full. Try again.
    #[error("the store's queue is full")]
    Overloaded,
    /// The disk has no room. Reads go on.
    #[error("the disk has no room for more events")]
    Full,
    /// The store cannot be reached, is stopping, or has stopped itself to stay right.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be read.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}
