//! Connections that read, beside the writer. A read is one short transaction: while it lasts, the
//! write-ahead log cannot begin anew.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::failure::{self, Failure};
use super::{OpenError, connection};
use crate::store::Error;

/// Reads that run or wait. More would only wait longer than anybody does.
const READS_MAX: usize = 1024;
/// Longest read: only a list whose filter almost nothing matches comes here.
const READ_MAX: Duration = Duration::from_secs(2);
/// Instructions of SQLite between two looks at the clock: some 100 µs.
const STEPS_PER_LOOK: i32 = 10_000;

/// The pool.
#[derive(Debug)]
pub(super) struct Readers {
    admission: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn open(folder: &Path, count: usize) -> Result<Readers, OpenError> {
        let idle: Result<Vec<_>, _> = (0..count).map(|_| connection::open_reader(folder)).collect();
        Ok(Readers {
            admission: Arc::new(Semaphore::new(READS_MAX)),
            turns: Arc::new(Semaphore::new(count)),
            idle: Arc::new(Mutex::new(idle?)),
        })
    }

    /// Runs `query` in one read transaction on a blocking thread.
    pub(super) async fn read<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let _admitted = self.admission.try_acquire().map_err(|_| Error::Overloaded)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let run = move || {
            let mut lease = Lease::take(idle)?;
            let outcome = in_transaction(&mut lease, query).map_err(failure::of_reading);
            drop(lease);
            // After the connection is back: whoever gets the turn finds one.
            drop(turn);
            outcome
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| Err(closed()))
    }
}

fn in_transaction<T>(
    lease: &mut Lease,
    query: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let connection = lease.connection.as_mut().ok_or_else(closed)?;
    let until = Instant::now() + READ_MAX;
    connection.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > until))?;
    let transaction = connection.unchecked_transaction()?;
    let found = query(&transaction)?;
    transaction.finish()?;
    Ok(found)
}

/// A connection in use. It goes back even if the query panics.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Lease {
    fn take(idle: Arc<Mutex<Vec<Connection>>>) -> Result<Lease, Error> {
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lease { connection: Some(connection.ok_or_else(closed)?), idle })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(connection);
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}
