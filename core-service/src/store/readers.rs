//! Connections that read, beside those that write, each on a blocking thread while it does.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::store::Error;

/// Reads that run or wait. More would only wait longer than anybody does.
const READS_MAX: usize = 1024;

/// The pool.
#[derive(Debug)]
pub(crate) struct Readers<C> {
    admission: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<C>>>,
}

impl<C: Send + 'static> Readers<C> {
    pub(crate) fn new(connections: Vec<C>) -> Readers<C> {
        Readers {
            admission: Arc::new(Semaphore::new(READS_MAX)),
            turns: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
        }
    }

    /// Runs `query` with a connection, on a blocking thread.
    pub(crate) async fn read<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&mut C) -> Result<T, Error> + Send + 'static,
    {
        let _admitted = self.admission.try_acquire().map_err(|_| Error::Overloaded)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let run = move || {
            let mut lease = Lease::take(idle);
            let outcome = query(lease.connection.as_mut().ok_or_else(closed)?);
            drop(lease);
            // After the connection is back: whoever gets the turn finds one.
            drop(turn);
            outcome
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| Err(closed()))
    }
}

/// A connection in use. It goes back even if the query panics.
struct Lease<C> {
    connection: Option<C>,
    idle: Arc<Mutex<Vec<C>>>,
}

impl<C> Lease<C> {
    fn take(idle: Arc<Mutex<Vec<C>>>) -> Lease<C> {
        let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lease { connection, idle }
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(connection);
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}
