//! What the work asks of the driver.

use roomcast_proto::v1::{Fault, Lease, Report};
use tokio::sync::oneshot;

/// Where whoever ended an attempt learns what came of it.
pub(super) type Settled = oneshot::Sender<Result<(), Fault>>;

#[derive(Debug)]
pub(super) enum Order {
    /// Record this.
    Report {
        /// On whose behalf.
        lease: Lease,
        /// Without its number.
        report: Box<Report>,
        /// Of the lease's room.
        places: u32,
        /// Set for an attempt's end.
        settled: Option<Settled>,
    },
    /// Take no more jobs.
    Drain,
}
