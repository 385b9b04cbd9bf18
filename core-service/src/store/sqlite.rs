//! The embedded engine: one SQLite file, one thread that writes, a few connections that read.
//!
//! ```text
//! commit ─▶ queue ─▶ writer ─▶ batch (idempotency, heads, records, clean) ─▶ COMMIT ─▶ tap, answers
//!                       └─▶ checkpoint (a thread of its own)
//! read, position, job, jobs, agenda … ─▶ readers ─▶ read, jobs, agenda
//! ```
//!
//! The folder belongs to one process. What it must never do: answer before the COMMIT returned, go
//! on after one failed for another reason than a full disk, keep a read transaction open for longer
//! than a page.

mod backup;
mod chain;
mod checkpoint;
mod clean;
mod connection;
mod crowded;
mod failure;
mod folder;
mod heads;
mod inspect;
mod output;
mod read;
mod reader;
mod records;
mod row;
mod rows;
mod sql;
#[cfg(test)]
mod tests;
mod usage;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use backup::{BackupError, RestoreError, WhenThere, backup, restore};
#[doc(hidden)]
pub use connection::Synchronous;
pub use inspect::{Inspection, inspect};
pub use writer::Clock;

use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::job::Limits;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::answers::Answers;
use crate::store::lead::Leader;
use crate::store::queue::{self, Queue};
use crate::store::readers::Readers;
use crate::store::sql::{Reads, agenda};
use crate::store::status::Status;
use crate::store::{
    AgendaQuery, Candidate, Claim, CleanBudget, Cleaned, Command, Committed, Error, Lead,
    OutputQuery, Page, PageLimit, Piece, Position, Store, Tap,
};
use failure::Failure;
use folder::Folder;
use writer::Work;

/// Where the store lies and what it may use.
#[derive(Debug, Clone)]
pub struct SqliteConfig {
    /// The data folder. Created if missing.
    pub data_dir: PathBuf,
    /// Commands that may wait for the writer.
    pub queue_commands_max: usize,
    /// Bytes of commands that may wait for the writer.
    pub queue_bytes_max: usize,
    /// Connections that read, each on a thread of its own while it does.
    pub readers: usize,
    /// How long topics are kept.
    pub retentions: Retentions,
    /// How many jobs of a kind may be with workers at once.
    pub limits: Limits,
    #[doc(hidden)]
    pub synchronous: Synchronous,
}

impl SqliteConfig {
    /// The default limits: four readers keep two cores busy while one of them waits for the disk.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> SqliteConfig {
        SqliteConfig {
            data_dir: data_dir.into(),
            queue_commands_max: queue::COMMANDS_MAX,
            queue_bytes_max: queue::BYTES_MAX,
            readers: 4,
            retentions: Retentions::default(),
            limits: Limits::default(),
            synchronous: Synchronous::Full,
        }
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error(
        "{} is in use by {}; stop it, or give this one another data folder",
        path.display(),
        holder.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process, if it could be told.
        holder: Option<u32>,
    },
    /// The folder cannot be used.
    #[error("the data folder {} cannot be used: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The data was written by a newer program.
    #[error("the data has schema {found}, this program knows {known}; use a newer roomcast")]
    NewerSchema {
        /// What is there.
        found: u32,
        /// What is known.
        known: u32,
    },
    /// The linked SQLite may corrupt the data.
    #[error("SQLite {found} may corrupt data under load; build with 3.51.3 or newer")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A restore did not finish.
    #[error("a restore into {} was interrupted; run it again with --force", path.display())]
    RestoreInterrupted {
        /// The folder.
        path: PathBuf,
    },
    /// What is in the file cannot have been written by this program.
    #[error(
        "{} is damaged: {reason}; put the last backup in its place: roomcast restore --force FILE",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// How that was seen.
        reason: String,
    },
    /// SQLite cannot open the file. It says all of it itself: there is no source.
    #[error("the database cannot be opened: {0}")]
    Sqlite(rusqlite::Error),
    /// No thread can be started.
    #[error("no thread can be started: {0}")]
    Thread(io::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> OpenError {
        OpenError::Sqlite(error)
    }
}

impl OpenError {
    /// Names the file, where what is in it is the matter.
    fn in_folder(self, folder: &Path) -> OpenError {
        let OpenError::Sqlite(error) = &self else { return self };
        if !failure::is_damage(error) {
            return self;
        }
        let reason = error.to_string();
        OpenError::Damaged { file: folder::database(folder), reason }
    }
}

/// A store in one SQLite file. Dropping it waits for the writer, then frees the folder.
pub struct SqliteStore {
    queue: Option<Queue<Work>>,
    writer: Option<JoinHandle<()>>,
    readers: Readers<Connection>,
    /// Says where the topic of rights stands, beside the readers: edges rely on it each second.
    sentry: Readers<Connection>,
    turns: Arc<agenda::Turns>,
    limits: Arc<Limits>,
    status: Status,
    clock: Clock,
    leader: Mutex<Leader>,
    folder: Folder,
}

impl SqliteStore {
    /// Takes the data folder, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// When the folder is in use, not usable, or of a newer program.
    pub fn open(config: SqliteConfig, clock: Clock, tap: Tap) -> Result<SqliteStore, OpenError> {
        let folder = Folder::lock(&config.data_dir)?;
        let path = folder.path().to_owned();
        SqliteStore::open_in(folder, config, clock, tap).map_err(|error| error.in_folder(&path))
    }

    fn open_in(
        folder: Folder,
        config: SqliteConfig,
        clock: Clock,
        tap: Tap,
    ) -> Result<SqliteStore, OpenError> {
        let mut connection = connection::open_writer(folder.path(), config.synchronous)?;
        let status = Status::default();
        let copier = connection::open_checkpointer(folder.path())?;
        let checkpointer =
            checkpoint::Checkpointer::spawn(copier, &mut connection, status.clone())?;
        let (retentions, limits) = (config.retentions, Arc::new(config.limits));
        let readers: Result<Vec<_>, _> =
            (0..config.readers.max(1)).map(|_| connection::open_reader(folder.path())).collect();
        let readers = Readers::start(readers?).map_err(OpenError::Thread)?;
        let sentry = vec![connection::open_reader(folder.path())?];
        let sentry = Readers::start(sentry).map_err(OpenError::Thread)?;
        let (queue, requests, budget) =
            Queue::new(config.queue_commands_max, config.queue_bytes_max);
        let writer = writer::Writer {
            connection,
            checkpointer,
            memory: rows::Memory::new(),
            retentions,
            limits: Arc::clone(&limits),
            stamp: random_stamp()?,
            clock: Arc::clone(&clock),
            tap,
            status: status.clone(),
            answers: Answers::here(),
            budget,
        };
        let writer = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(requests))
            .map_err(OpenError::Thread)?;
        let turns = Arc::new(agenda::Turns::new());
        let (queue, writer) = (Some(queue), Some(writer));
        let leader = Mutex::new(Leader::NOBODY);
        Ok(SqliteStore {
            queue,
            writer,
            readers,
            sentry,
            turns,
            limits,
            status,
            clock,
            leader,
            folder,
        })
    }

    /// Cancelled once the store has stopped itself because it cannot know what the disk holds. The
    /// process should end then: a new one reads what is really there.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.status.failed().clone()
    }

    async fn ask<T>(
        &self,
        (work, bytes): (Work, usize),
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        self.queue.as_ref().ok_or_else(queue::gone)?.enter(work, bytes)?;
        answer.await.unwrap_or_else(|_| Err(queue::gone()))
    }
}

/// A new history begins with each opening, whatever a restored backup or a lost tail held.
fn random_stamp() -> Result<u32, OpenError> {
    loop {
        match getrandom::u32().map_err(OpenError::Random)? {
            0 => {}
            stamp => return Ok(stamp),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The writer ends once the queue is closed and empty; only then may another process begin.
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was told through `failed`.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SqliteStore").field(&self.folder.path()).finish()
    }
}

#[async_trait]
impl Reads for SqliteStore {
    type Sql = Connection;

    async fn query<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.readers.read(move |connection| reader::read(connection, query)).await
    }

    async fn query_at<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection, Time) -> Result<T, Failure> + Send + 'static,
    {
        let now = (self.clock)();
        self.query(move |connection| query(connection, now)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, command: Command) -> Result<Committed, Error> {
        let (reply, answer) = oneshot::channel();
        let bytes = queue::size(&command);
        self.ask((Work::Commit(Box::new(command), reply), bytes), answer).await
    }

    async fn read(&self, topic: &Topic, after: u64, limit: PageLimit) -> Result<Page, Error> {
        let topic = topic.clone();
        self.query(move |store| read::page(store, &topic, after, limit)).await
    }

    async fn position(&self, topic: &Topic, cursor: Option<Cursor>) -> Result<Position, Error> {
        let topic = topic.clone();
        let readers = if topic.kind() == Kind::Access { &self.sentry } else { &self.readers };
        let find = move |store: &Connection| read::position(store, &topic, cursor);
        readers.read(move |connection| reader::read(connection, find)).await
    }

    async fn last_values(
        &self,
        topic: &Topic,
        limit: usize,
    ) -> Result<(Cursor, Vec<Event>), Error> {
        let topic = topic.clone();
        self.query(move |store| read::last_values(store, &topic, limit)).await
    }

    async fn job_output(&self, query: OutputQuery) -> Result<Piece, Error> {
        self.query(move |store| output::read(store, &query)).await
    }

    async fn agenda(&self, query: AgendaQuery) -> Result<Vec<Candidate>, Error> {
        let (turns, now) = (Arc::clone(&self.turns), (self.clock)());
        let limits = Arc::clone(&self.limits);
        let read = self.query(move |store| match query {
            AgendaQuery::Free { kinds, tenant, seekers, limit } => {
                let search = agenda::Search { kinds, tenant, seekers, limit, now };
                agenda::free(store, &search, &turns, &limits)
            }
            AgendaQuery::Due { now, limit } => agenda::due(store, now, limit),
            AgendaQuery::Next => agenda::due(store, Time(u64::MAX), 1),
        });
        read.await
    }

    async fn clean(&self, budget: CleanBudget) -> Result<Cleaned, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask((Work::Clean(budget, reply), 0), answer).await
    }

    async fn heads(&self, known: Vec<(Topic, Cursor)>) -> Result<Vec<(Topic, Position)>, Error> {
        let read = self.query(move |store| {
            let mut moved = Vec::new();
            for (topic, cursor) in known {
                let position = read::position(store, &topic, Some(cursor))?;
                if position.head != cursor {
                    moved.push((topic, position));
                }
            }
            Ok(moved)
        });
        read.await
    }

    /// The folder's lock lets one process in: its memory is all that there is to agree on.
    async fn lead(&self, claim: Claim) -> Result<Lead, Error> {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        let lead;
        (*leader, lead) = leader.after(claim, (self.clock)());
        Ok(lead)
    }

    fn writable(&self) -> Result<(), Error> {
        self.status.writable()
    }
}
