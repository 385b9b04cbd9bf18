//! The engine of a cluster: PostgreSQL is the truth, and any number of cores write to it.
//!
//! ```text
//! commit ─▶ queue ─▶ lane ─▶ plan ─▶ turn ─▶ rows (remembered, or locks and reads) ─▶ batch ─▶ COMMIT ─▶ tap, answers
//! read, position, job, jobs, agenda … ─▶ readers        clean ─▶ keeper
//! ```
//!
//! Offsets are given out under the lock of the topic's row, which is held until the commit, or on a head that
//! the commit finds as it is remembered: the order of commits is the order of offsets. What it must never
//! do: lock rows in another order than that of topics' ids, read state in the statement that locks, refuse
//! anybody by what it remembers, answer a commit whose outcome it does not know, go by a core's clock.

mod clean;
mod clock;
mod cluster;
mod connection;
mod crowded;
mod failure;
mod head;
mod heads;
mod lane;
mod link;
mod migrate;
mod pending;
mod plan;
mod read;
mod reader;
mod rows;
mod settings;
mod sql;
mod target;
#[cfg(test)]
mod tests;
mod turns;
mod usage;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::job::Limits;
use crate::domain::name::fingerprint;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::answers::Answers;
use crate::store::commit::Action;
use crate::store::edge::Attend;
use crate::store::queue::{self, Queue};
use crate::store::readers::Readers;
use crate::store::session;
use crate::store::sql::{Failure as SqlFailure, Reads, agenda};
use crate::store::status::Status;
use crate::store::{
    AgendaQuery, Candidate, Claim, CleanBudget, Cleaned, Command, Committed, Error, Lead,
    OutputQuery, Page, PageLimit, Piece, Position, Store, Tap,
};
pub use clock::Clock;
pub use cluster::Cluster;
use connection::Connection;
use failure::{Failure, Trouble, told};
use lane::{Lane, Shared, Work};
use reader::Reader;
use target::Target;
use turns::Turns;

/// Connections that write, per core: while one waits for the disk the other decides. More only take
/// each other's processor.
const LANES: usize = 2;
/// How long the lanes have at the end for what they have taken: a database that answers nothing is not waited
/// for, since nobody has been told of what it was asked to do.
const LANES_END_MAX: Duration = Duration::from_secs(2);
/// Between looks whether the lanes have ended.
const LANES_LOOK: Duration = Duration::from_millis(5);
/// Connections that read, per core.
const READERS: usize = 4;
/// Where the topic of rights stands is asked over a connection of its own: by the pulse, which edges rely on
/// each second, and by what begins to follow that topic. Whatever many streams ask at once must not go this
/// way.
const SENTRIES: usize = 1;

/// Where the database is and what the store may use.
#[derive(Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host,other-host/database?sslmode=require`.
    pub url: String,
    /// Who signed the server's certificate. With it, the connection is TLS.
    pub authority: Option<PathBuf>,
    /// How long topics are kept.
    pub retentions: Retentions,
    /// How many jobs of a kind may be with workers at once.
    pub limits: Limits,
    /// By which clock leases, retention and events are dated.
    pub clock: Clock,
}

impl PostgresConfig {
    /// The defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> PostgresConfig {
        PostgresConfig {
            url: url.into(),
            authority: None,
            retentions: Retentions::default(),
            limits: Limits::default(),
            clock: Clock::Database,
        }
    }
}

/// Without the address: it holds a password.
impl fmt::Debug for PostgresConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("PostgresConfig");
        shown.field("authority", &self.authority).field("clock", &self.clock);
        shown.finish_non_exhaustive()
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no address.
    #[error("the address of the database cannot be read: {0}")]
    Address(tokio_postgres::Error),
    /// There is no such pooling.
    #[error("pooling={0} is not known: it is session or transaction")]
    Pooling(String),
    /// TLS is asked for without a way to check the server.
    #[error(
        "sslmode=require needs --store-ca FILE with the authority that signed the server's certificate"
    )]
    NoAuthority,
    /// The authority's certificate cannot be used.
    #[error("{} cannot be used to check the database's certificate: {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The data was written by a newer program.
    #[error("the database has schema {found}, this program knows {known}; use a newer roomcast")]
    NewerSchema {
        /// What is there.
        found: i64,
        /// What is known.
        known: i64,
    },
    /// It cannot be reached, or lets nobody in.
    #[error(
        "the database at {place} cannot be reached: {reason}; look whether PostgreSQL runs there and \
         lets this core in, and whether --store (ROOMCAST_STORE) names the right one"
    )]
    Unreachable {
        /// Its hosts, ports and name.
        place: String,
        /// Why.
        reason: String,
    },
    /// It does not do what it is asked.
    #[error("the database cannot be used: {0}")]
    Database(String),
    /// No thread can be started.
    #[error("no thread can be started: {0}")]
    Thread(io::Error),
}

impl From<Trouble> for OpenError {
    fn from(trouble: Trouble) -> OpenError {
        OpenError::Database(told(Failure::Engine(trouble)).to_string())
    }
}

/// A store in a PostgreSQL database. Dropping it waits for what it has taken, if the database answers.
pub struct PostgresStore {
    lanes: Vec<(Queue<Work>, JoinHandle<()>)>,
    readers: Readers<Reader>,
    /// Says where the topic of rights stands, beside the readers.
    sentry: Readers<Reader>,
    /// Cleans, beside the lanes.
    keeper: Readers<Keeper>,
    cluster: Cluster,
    turns: Arc<agenda::Turns>,
    shared: Shared,
}

/// Where an outcome comes.
type Answer = oneshot::Receiver<Result<Committed, Error>>;

/// Who cleans, and what it knows.
struct Keeper {
    reader: Reader,
    memory: clean::Memory,
}

impl PostgresStore {
    /// Connects, brings the schema up to date and starts the lanes. Blocks.
    ///
    /// # Errors
    /// When the database cannot be reached, or is of a newer program.
    pub fn open(config: PostgresConfig, tap: Tap) -> Result<PostgresStore, OpenError> {
        let answers = Answers::here();
        // A connection waits in a runtime of its own, which no other may run around.
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(config, tap, answers));
            let panicked = |_| Err(OpenError::Database("opening it panicked".into()));
            opening.join().unwrap_or_else(panicked)
        })
    }

    /// What it shares with other cores on the same database.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Gives a command to its lane.
    fn enter(&self, command: Command) -> Result<Answer, Error> {
        if let Err(error @ Error::Unavailable(_)) = self.shared.status.writable() {
            return Err(error);
        }
        let (reply, answer) = oneshot::channel();
        let bytes = queue::size(&command);
        let lane = usize::try_from(order(&command) % LANES as u64).unwrap_or(0);
        let (queue, _) = self.lanes.get(lane).ok_or_else(queue::gone)?;
        queue.enter(Work { command: Box::new(command), reply }, bytes)?;
        Ok(answer)
    }
}

fn open(config: PostgresConfig, tap: Tap, answers: Answers) -> Result<PostgresStore, OpenError> {
    let target = Target::new(&config.url, config.authority.as_deref())?;
    let connection =
        Connection::open(&target).map_err(|trouble| OpenError::unreachable(&target, trouble))?;
    migrate::migrate(&connection)?;
    warn_of_settings(&connection)?;
    let cluster = Cluster::read(&connection)?;
    let shared = Shared {
        target: target.clone(),
        retentions: Arc::new(config.retentions),
        limits: Arc::new(config.limits),
        clock: config.clock,
        tap,
        status: Status::default(),
        turns: Arc::new(Turns::default()),
        answers,
    };
    let lanes: Result<Vec<_>, OpenError> = (0..LANES)
        .map(|_| {
            let (queue, requests, budget) =
                Queue::new(queue::COMMANDS_MAX, queue::BYTES_MAX / LANES);
            let lane = Lane::open(shared.clone(), budget)?;
            let thread = std::thread::Builder::new().name("store-lane".into());
            let thread = thread.spawn(move || lane.run(requests)).map_err(OpenError::Thread)?;
            Ok((queue, thread))
        })
        .collect();
    let reader = || Reader::new(target.clone(), None);
    let readers = (0..READERS).map(|_| reader()).collect();
    let readers = Readers::start(readers).map_err(OpenError::Thread)?;
    let sentry = (0..SENTRIES).map(|_| reader()).collect();
    let sentry = Readers::start(sentry).map_err(OpenError::Thread)?;
    let keeper = Keeper {
        reader: Reader::new(target.clone(), Some(connection)),
        memory: clean::Memory::new(),
    };
    let keeper = Readers::start(vec![keeper]).map_err(OpenError::Thread)?;
    let turns = Arc::new(agenda::Turns::new());
    Ok(PostgresStore { lanes: lanes?, readers, sentry, keeper, cluster, turns, shared })
}

/// A commit is as durable as the server makes it.
fn warn_of_settings(connection: &Connection) -> Result<(), OpenError> {
    for (setting, loses) in [
        ("fsync", "a power cut damages the database"),
        ("synchronous_commit", "a crash loses acknowledged commits"),
        ("full_page_writes", "a power cut damages the database"),
    ] {
        let found = connection.query("SELECT current_setting(?1)", &[&setting])?;
        let value = found.first().and_then(|row| row.try_get::<_, String>(0).ok());
        if value.as_deref() == Some("off") {
            tracing::warn!("{setting} is off: {loses}");
        }
    }
    Ok(())
}

/// What keeps its order among what arrives together: commands of one topic, job, session or key take
/// the same lane. What is published takes its topic's whatever its key: a lane that is alone at a topic
/// knows where it is.
fn order(command: &Command) -> u64 {
    let of = |topic: &Topic| fingerprint(&[topic.tenant().as_bytes(), topic.full().as_bytes()]);
    let action = command.action.bare();
    if let (Some(one), false) = (&command.idempotency, matches!(action, Action::Publish { .. })) {
        return fingerprint(&[one.scope.as_bytes(), one.key.as_bytes()]);
    }
    match action {
        Action::Publish { topic, .. } => of(topic),
        Action::CreateJob { spec, .. } => fingerprint(&[spec.id.as_bytes()]),
        Action::Job { job_id, .. } => fingerprint(&[job_id.as_bytes()]),
        Action::Access(_) => of(&Topic::access()),
        Action::Session(action) => match &**action {
            session::Action::CreateProject(project) => {
                fingerprint(&[project.project_id.as_bytes()])
            }
            session::Action::SetMember { project_id, .. }
            | session::Action::DeleteProject { project_id } => {
                fingerprint(&[project_id.as_bytes()])
            }
            session::Action::CreateSession(session) => {
                fingerprint(&[session.session_id.as_bytes()])
            }
            session::Action::EraseSession { session_id, .. }
            | session::Action::Command { session_id, .. } => fingerprint(&[session_id.as_bytes()]),
            session::Action::PutPart(part) => part.body,
            session::Action::Announce { topic, .. } => fingerprint(&[topic.name().as_bytes()]),
            session::Action::Attend(Attend { edge_id, .. })
            | session::Action::Reap { edge_id, .. } => fingerprint(&[edge_id.as_bytes()]),
        },
        Action::Audited { entry, .. } => of(&entry.topic()),
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        let (queues, threads): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.lanes).into_iter().unzip();
        // A lane ends once its queue is closed and empty.
        drop(queues);
        let until = Instant::now() + LANES_END_MAX;
        while threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(LANES_LOOK);
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Reads for PostgresStore {
    type Sql = Connection;

    async fn query<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, SqlFailure<Trouble>> + Send + 'static,
    {
        self.readers.read(move |reader| reader.read(query)).await
    }

    async fn query_at<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection, Time) -> Result<T, SqlFailure<Trouble>> + Send + 'static,
    {
        let clock = self.shared.clock.clone();
        self.query(move |connection| query(connection, clock.now(connection)?)).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, command: Command) -> Result<Committed, Error> {
        let answer = self.enter(command)?;
        answer.await.unwrap_or_else(|_| Err(queue::gone()))
    }

    async fn read(&self, topic: &Topic, after: u64, limit: PageLimit) -> Result<Page, Error> {
        let topic = topic.clone();
        self.query(move |store| read::page(store, &topic, after, limit)).await
    }

    async fn position(&self, topic: &Topic, cursor: Option<Cursor>) -> Result<Position, Error> {
        let topic = topic.clone();
        let readers = if topic.kind() == Kind::Access { &self.sentry } else { &self.readers };
        let find = move |store: &Connection| read::position(store, &topic, cursor);
        readers.read(move |reader| reader.read(find)).await
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
        self.query(move |store| read::output(store, &query)).await
    }

    async fn agenda(&self, query: AgendaQuery) -> Result<Vec<Candidate>, Error> {
        let (turns, limits) = (Arc::clone(&self.turns), Arc::clone(&self.shared.limits));
        let clock = self.shared.clock.clone();
        let search = move |store: &Connection| {
            let now = |asked: Option<Time>| match (&clock, asked) {
                (Clock::Given(_), Some(asked)) => Ok(asked),
                (clock, _) => clock.now(store),
            };
            match query {
                AgendaQuery::Free { kinds, tenant, seekers, limit } => {
                    let search = agenda::Search { kinds, tenant, seekers, limit, now: now(None)? };
                    agenda::free(store, &search, &turns, &limits)
                }
                AgendaQuery::Due { now: asked, limit } => {
                    agenda::due(store, now(Some(asked))?, limit)
                }
                AgendaQuery::Next => agenda::due(store, Time(u64::MAX), 1),
            }
        };
        self.query(search).await
    }

    async fn clean(&self, budget: CleanBudget) -> Result<Cleaned, Error> {
        let (retentions, clock) = (Arc::clone(&self.shared.retentions), self.shared.clock.clone());
        let clean = move |keeper: &mut Keeper| {
            let Keeper { reader, memory } = keeper;
            let connection = reader.connected()?;
            let now = match &clock {
                Clock::Database => clock.now(connection).map_err(told)?,
                Clock::Given(_) => budget.now,
            };
            let budget = CleanBudget { now, ..budget };
            clean::clean(connection, memory, &retentions, budget).map_err(told)
        };
        self.keeper.read(clean).await
    }

    async fn heads(&self, known: Vec<(Topic, Cursor)>) -> Result<Vec<(Topic, Position)>, Error> {
        if known.is_empty() {
            return Ok(Vec::new());
        }
        self.query(move |store| read::heads(store, known)).await
    }

    async fn lead(&self, claim: Claim) -> Result<Lead, Error> {
        let clock = self.shared.clock.clone();
        let lead = move |keeper: &mut Keeper| {
            let connection = keeper.reader.connected()?;
            cluster::lead(connection, claim, &clock).map_err(told)
        };
        self.keeper.read(lead).await
    }

    fn writable(&self) -> Result<(), Error> {
        self.shared.status.writable()
    }
}
