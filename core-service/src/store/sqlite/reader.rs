//! One read: a short transaction. While it lasts, the write-ahead log cannot begin anew.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::failure::{self, Failure};
use crate::store::Error;

/// Longest read: only a list whose filter almost nothing matches comes here.
const READ_MAX: Duration = Duration::from_secs(2);
/// Instructions of SQLite between two looks at the clock: some 100 µs.
const STEPS_PER_LOOK: i32 = 10_000;

/// Runs `query` in a read transaction.
pub(super) fn read<T>(
    connection: &mut Connection,
    query: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Error> {
    in_transaction(connection, query).map_err(failure::of_reading)
}

fn in_transaction<T>(
    connection: &mut Connection,
    query: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let until = Instant::now() + READ_MAX;
    connection.progress_handler(STEPS_PER_LOOK, Some(move || Instant::now() > until))?;
    let transaction = connection.unchecked_transaction()?;
    let found = query(&transaction)?;
    transaction.finish()?;
    Ok(found)
}
