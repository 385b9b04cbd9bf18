//! A connection that reads, replaced once it is lost.

use std::time::{Duration, Instant};

use super::connection::Connection;
use super::failure::{Failure, told};
use super::target::Target;
use crate::store::Error;

/// A read sees one moment, and takes no longer than anybody waits.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
     SET LOCAL statement_timeout = 2000; SET LOCAL idle_in_transaction_session_timeout = 5000";
/// Between two attempts to connect. Edges ask again for each topic that could not be looked up: a database
/// that is coming back must not have to turn away a connection for every one of them.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// The connection, while there is one.
pub(super) struct Reader {
    target: Target,
    connection: Option<Connection>,
    /// When the last attempt to connect failed, and with what.
    failed: Option<(Instant, Error)>,
}

impl Reader {
    /// With this connection, or none until somebody reads.
    pub(super) fn new(target: Target, connection: Option<Connection>) -> Reader {
        Reader { target, connection, failed: None }
    }

    /// Runs `query` in a transaction that only reads.
    pub(super) fn read<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let connection = self.connected()?;
        connection.begin(BEGIN);
        let found = query(connection);
        let ended = connection.end();
        let found = found.map_err(told)?;
        ended.map_err(|trouble| told(Failure::Engine(trouble)))?;
        Ok(found)
    }

    /// The connection, or why there is none.
    pub(super) fn connected(&mut self) -> Result<&Connection, Error> {
        if self.connection.as_ref().is_some_and(|connection| !connection.lives()) {
            self.connection = None;
        }
        if self.connection.is_none()
            && let Some(error) = self.lately_failed(Instant::now())
        {
            return Err(error);
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let connection = Connection::open(&self.target);
                let connection = connection.map_err(|trouble| told(Failure::Engine(trouble)));
                let error = connection.as_ref().err().cloned();
                self.failed = error.map(|error| (Instant::now(), error));
                Ok(none.insert(connection?))
            }
        }
    }

    /// What the last attempt failed with, if it is too early for another.
    fn lately_failed(&self, now: Instant) -> Option<Error> {
        let (at, error) = self.failed.as_ref()?;
        (now.duration_since(*at) < RECONNECT_PAUSE).then(|| error.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_database_that_lets_nobody_in_is_not_asked_for_a_connection_by_every_read() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = Target::new(&format!("postgres://roomcast@{nobody}/roomcast"), None).unwrap();
        let mut reader = Reader::new(target, None);
        assert_eq!(reader.lately_failed(Instant::now()), None);
        let error = reader.connected().err();
        let (at, _) = reader.failed.clone().expect("nobody is there");
        assert_eq!(reader.lately_failed(at), error);
        assert_eq!(reader.lately_failed(at + RECONNECT_PAUSE), None);
    }
}
