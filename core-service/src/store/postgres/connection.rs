//! One connection, with a runtime of its own: whoever holds it waits on it as on a disk, and what must
//! not wait is sent together. So a batch is decided by the same code as in the embedded engine.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use lru::LruCache;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::failure::Trouble;
use super::settings::{BEGIN, IS_SET, WRITER};
use super::target::{Pooling, Security, Target};

/// A server that does not answer is given up: a little after it should have cancelled the statement.
const ANSWER_MAX: Duration = Duration::from_secs(12);
/// Statements that stay prepared, here and at the server, which takes some 10 KB for each: all that there
/// are, but for lists, of which every choice of filters is one.
pub(super) const STATEMENTS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("above zero");
/// A connection that was idle for longer is asked whether it lives before it is used.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// How pgbouncer and Amazon's RDS Proxy refuse settings that come with a connection.
const REFUSALS: [SqlState; 2] = [SqlState::PROTOCOL_VIOLATION, SqlState::FEATURE_NOT_SUPPORTED];
/// Turns that the connection gets to find out: one to be woken by its socket, one to read.
const TURNS: usize = 2;

/// An open connection.
pub(crate) struct Connection {
    client: Client,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
    statements: RefCell<LruCache<String, Statement>>,
    pooling: Pooling,
    /// Whether one process of the server is this connection's as long as it lasts, and knows the settings of
    /// those that write.
    is_alone: bool,
    /// Whether a transaction is begun, or is with the next statement.
    is_inside: Cell<bool>,
    /// Begins a transaction, with the statement that comes first.
    begin: Cell<Option<&'static str>>,
    has_written: Cell<bool>,
    is_dead: Cell<bool>,
    used: Cell<Instant>,
}

/// A statement with its parameters.
pub(super) struct Call {
    sql: &'static str,
    parameters: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Call {
    pub(super) fn new(sql: &'static str) -> Call {
        Call { sql, parameters: Vec::new() }
    }

    pub(super) fn with(mut self, parameter: impl ToSql + Sync + Send + 'static) -> Call {
        self.parameters.push(Box::new(parameter));
        self
    }
}

type Rows = Vec<tokio_postgres::Row>;
type Answer<'call> = Pin<Box<dyn Future<Output = Result<Rows, tokio_postgres::Error>> + 'call>>;

impl Connection {
    pub(super) fn open(target: &Target) -> Result<Connection, Trouble> {
        Connection::with(target, None)
    }

    /// One that writes: a server's process that is its own knows the settings from the beginning.
    pub(super) fn open_to_write(target: &Target) -> Result<Connection, Trouble> {
        let mut connection = Connection::with(target, Some(WRITER.options))?;
        if target.pooling == Pooling::Session && !connection.query(IS_SET, &[])?.is_empty() {
            connection.is_alone = true;
        }
        Ok(connection)
    }

    fn with(target: &Target, settings: Option<&str>) -> Result<Connection, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::Lost(error.to_string()))?;
        let client = runtime.block_on(async {
            tokio::time::timeout(ANSWER_MAX, connect_with(target, settings))
                .await
                .map_err(|_| Trouble::Lost("it does not answer".into()))?
                .map_err(Trouble::from)
        });
        let client = match client {
            Ok(client) => client,
            Err(trouble) => {
                runtime.shutdown_background();
                return Err(trouble);
            }
        };
        Ok(Connection {
            client,
            runtime: Some(runtime),
            statements: RefCell::new(LruCache::new(STATEMENTS_MAX)),
            pooling: target.pooling,
            is_alone: false,
            is_inside: Cell::new(false),
            begin: Cell::new(None),
            has_written: Cell::new(false),
            is_dead: Cell::new(false),
            used: Cell::new(Instant::now()),
        })
    }

    /// Whether it can be used: one that was idle is asked. In a transaction that somebody who panicked has left
    /// behind, whoever comes next would see what was then.
    pub(super) fn lives(&self) -> bool {
        if self.is_dead.get() || self.is_inside.get() || self.has_ended() {
            return false;
        }
        self.used.get().elapsed() < IDLE_MAX || self.run("").is_ok()
    }

    /// Whether the server has said that it is gone: its bytes are moved only while somebody waits.
    fn has_ended(&self) -> bool {
        let Some(runtime) = &self.runtime else { return true };
        runtime.block_on(async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        });
        self.client.is_closed()
    }

    /// Begins a transaction with the statement that comes next.
    pub(super) fn begin(&self, how: &'static str) {
        self.has_written.set(false);
        self.is_inside.set(true);
        self.begin.set(Some(how));
    }

    /// Begins a transaction that writes.
    pub(super) fn begin_writing(&self) {
        self.begin(if self.is_alone { BEGIN } else { WRITER.begin });
    }

    /// Whether there is nobody between it and one process of the server: a database that is another one
    /// after a fail-over ends it.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Whether the transaction has changed anything through a statement of its own.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.get()
    }

    pub(super) fn note_write(&self) {
        self.has_written.set(true);
    }

    /// Ends a transaction: durable when it returns.
    pub(super) fn commit(&self) -> Result<(), Trouble> {
        self.finish(self.last_words().0)
    }

    /// Ends a transaction that has only read, or shall not have been.
    pub(super) fn end(&self) -> Result<(), Trouble> {
        self.finish(self.last_words().1)
    }

    fn finish(&self, last: &'static str) -> Result<(), Trouble> {
        self.is_inside.set(false);
        if self.begin.take().is_some() {
            return Ok(());
        }
        let ended = self.run(last);
        self.forget_statements();
        ended
    }

    /// What commits and what takes back. Whoever is lent the server's process next must not find
    /// statements of ours.
    fn last_words(&self) -> (&'static str, &'static str) {
        match self.pooling {
            Pooling::Session => ("COMMIT", "ROLLBACK"),
            Pooling::Transaction => ("DEALLOCATE ALL; COMMIT", "ROLLBACK; DEALLOCATE ALL"),
        }
    }

    fn forget_statements(&self) {
        if self.pooling == Pooling::Transaction {
            self.statements.borrow_mut().clear();
        }
    }

    /// Runs statements without parameters.
    pub(super) fn run(&self, sql: &str) -> Result<(), Trouble> {
        self.wait(self.client.batch_execute(sql))
    }

    /// The rows of one statement.
    pub(super) fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Rows, Trouble> {
        self.inside(|| {
            let statement = self.statement(sql)?;
            self.after_begin(self.client.query(&statement, parameters))
        })
    }

    /// How many rows one statement changes.
    pub(super) fn change(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Trouble> {
        self.inside(|| {
            let statement = self.statement(sql)?;
            self.after_begin(self.client.execute(&statement, parameters))
        })
    }

    /// A statement that stands alone gets a transaction where it is prepared for that alone.
    fn inside<T>(&self, run: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
        if self.pooling == Pooling::Session || self.is_inside.get() {
            return run();
        }
        self.begin("BEGIN");
        let answer = run();
        let ended = if answer.is_ok() { self.commit() } else { self.end() };
        let answer = answer?;
        ended.map(|()| answer)
    }

    fn after_begin<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        match self.begin.take() {
            None => self.wait(answer),
            Some(begin) => self.wait(async {
                let (_, answer) = futures::try_join!(self.client.batch_execute(begin), answer)?;
                Ok(answer)
            }),
        }
    }

    /// Statements that are sent together: one wait for all. They run in order; after one that fails the
    /// others do nothing.
    pub(super) fn pipeline(&self, calls: Vec<Call>) -> Result<Vec<Rows>, Trouble> {
        self.pipelined(calls, None)
    }

    /// The same, and the end of the transaction with them: durable when it returns. One statement is a
    /// transaction by itself where it finds the settings.
    pub(super) fn pipeline_and_commit(&self, calls: Vec<Call>) -> Result<Vec<Rows>, Trouble> {
        let is_whole = self.is_alone && self.begin.get().is_some() && calls.len() == 1;
        if is_whole {
            self.begin.set(None);
        }
        let committed = self.pipelined(calls, (!is_whole).then(|| self.last_words().0));
        self.is_inside.set(false);
        self.forget_statements();
        committed
    }

    fn pipelined(
        &self,
        calls: Vec<Call>,
        last: Option<&'static str>,
    ) -> Result<Vec<Rows>, Trouble> {
        let mut statements = Vec::with_capacity(calls.len());
        for call in &calls {
            statements.push(self.statement(call.sql)?);
        }
        let begin = self.begin.take();
        let mut answers: Vec<Answer<'_>> = Vec::with_capacity(calls.len() + 2);
        answers.extend(begin.map(|begin| self.plain(begin)));
        for (statement, call) in statements.iter().zip(&calls) {
            answers.push(Box::pin(async move {
                let parameters: Vec<&(dyn ToSql + Sync)> =
                    call.parameters.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect();
                self.client.query(statement, &parameters).await
            }));
        }
        answers.extend(last.map(|last| self.plain(last)));
        let mut rows = self.wait(try_join_all(answers))?;
        rows.drain(..usize::from(begin.is_some()));
        Ok(rows)
    }

    fn plain<'call>(&'call self, sql: &'static str) -> Answer<'call> {
        Box::pin(async move { self.client.batch_execute(sql).await.map(|()| Vec::new()) })
    }

    /// Statements are prepared once per connection, or once per transaction behind a pooler that lends
    /// connections for one. A parameter is written as the other engine does.
    fn statement(&self, sql: &str) -> Result<Statement, Trouble> {
        if let Some(statement) = self.statements.borrow_mut().get(sql) {
            return Ok(statement.clone());
        }
        if self.pooling == Pooling::Transaction
            && let Some(begin) = self.begin.take()
        {
            self.run(begin)?;
        }
        let statement = self.wait(self.client.prepare(&sql.replace('?', "$")))?;
        // The server lets go of the one that falls out with the next that it is told.
        self.statements.borrow_mut().put(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        let Some(runtime) = &self.runtime else {
            return Err(Trouble::Lost("the connection is closed".into()));
        };
        let answered = runtime.block_on(async { tokio::time::timeout(ANSWER_MAX, answer).await });
        self.used.set(Instant::now());
        let trouble = match answered {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Trouble::from(error),
            Err(_) => Trouble::Lost("it does not answer".into()),
        };
        if matches!(trouble, Trouble::Lost(_)) {
            self.is_dead.set(true);
        }
        Err(trouble)
    }
}

/// Connects. A pooler may refuse settings, each in its own words, or drop them.
async fn connect_with(
    target: &Target,
    settings: Option<&str>,
) -> Result<Client, tokio_postgres::Error> {
    let settings = settings.filter(|_| target.pooling == Pooling::Session);
    let Some(settings) = settings else { return connect(target, &target.config).await };
    let mut config = target.config.clone();
    let own = config.get_options().unwrap_or_default();
    config.options(format!("{own} {settings}"));
    match connect(target, &config).await {
        Err(error) if error.code().is_some_and(|code| REFUSALS.contains(code)) => {
            connect(target, &target.config).await
        }
        connected => connected,
    }
}

async fn connect(target: &Target, config: &Config) -> Result<Client, tokio_postgres::Error> {
    match &target.security {
        Security::None => {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(drive(connection));
            Ok(client)
        }
        Security::Tls(tls) => {
            let (client, connection) = config.connect(tls.clone()).await?;
            tokio::spawn(drive(connection));
            Ok(client)
        }
    }
}

/// Moves a connection's bytes while somebody waits for it.
async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    // Whoever waits hears of it by the statement that fails.
    let _ = connection.await;
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A pool may be dropped where nothing may block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("is_dead", &self.is_dead).finish_non_exhaustive()
    }
}
