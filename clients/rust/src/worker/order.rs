//! What the work asks of the driver.

use roomcast_proto::v1::{Fault, Lease, Report};
use tokio::sync::oneshot;

/// Where whoever waits for a report learns what came of it.
pub(super) type Settled = oneshot::Sender<Result<(), Fault>>;

/// Who waits for a report.
#[derive(Debug)]
pub(super) enum Waiting {
    Nobody,
    /// For all reports before it, too.
    Flush(Settled),
    /// The report ends the attempt.
    End(Settled),
}

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
        waiting: Waiting,
    },
    /// Remember that a report was not taken, for the next flush.
    Refused { lease: Lease, fault: Fault },
    /// Take no more jobs.
    Drain,
}
