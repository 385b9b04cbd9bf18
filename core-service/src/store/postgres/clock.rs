//! The clock that commits go by.

use std::fmt;
use std::sync::Arc;

use super::connection::Connection;
use super::failure::Failure;
use crate::domain::time::Time;
use crate::store::sql::Sql as _;

/// The database's time in whole milliseconds that are over, as beside the locks: whoever searches by it is
/// not ahead of whoever then decides.
pub(super) const NOW: &str =
    "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)";

/// By which clock leases, retention and events are dated.
#[derive(Clone)]
pub enum Clock {
    /// The database's: the same for all cores.
    Database,
    /// Another one, in tests.
    Given(Arc<dyn Fn() -> Time + Send + Sync>),
}

impl Clock {
    pub(super) fn now(&self, connection: &Connection) -> Result<Time, Failure> {
        match self {
            Clock::Database => Ok(Time(connection.number(NOW, &[])?)),
            Clock::Given(clock) => Ok(clock()),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Clock::Database => "Database",
            Clock::Given(_) => "Given",
        })
    }
}
