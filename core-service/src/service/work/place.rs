//! A worker's place in the roster, for as long as somebody is there.

use tokio::sync::mpsc;

use super::dispatch::change;
use super::roster::{Notice, SeatId};
use super::{Work, Worker};
use crate::domain::job;

/// A seat and what comes to it. Dropped, as where a caller hangs up, it gives back what nobody has heard of:
/// else those jobs would wait for their leases to run out.
pub(super) struct Place {
    work: Work,
    seat: SeatId,
    notices: mpsc::Receiver<Notice>,
}

impl Place {
    pub(super) fn take(work: &Work, worker: Worker) -> Place {
        let (seat, notices) = work.roster.seat(worker);
        Place { work: work.clone(), seat, notices }
    }

    pub(super) fn seat(&self) -> SeatId {
        self.seat
    }

    /// The next notice. Dropping the future loses none.
    pub(super) async fn notice(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }

    /// Leaves, and answers what has come until then: nothing is assigned to a seat that is left.
    pub(super) fn leave(&mut self) -> Vec<Notice> {
        self.work.roster.leave(self.seat);
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let unheard = self.leave().into_iter().filter_map(Notice::assignment);
        let unheard: Vec<_> =
            unheard.filter_map(|one| Some((one.job?.job_id, one.fence))).collect();
        if unheard.is_empty() {
            return;
        }
        let log = self.work.log.clone();
        tokio::spawn(async move {
            for (job_id, fence) in unheard {
                // If this fails, the lease runs out.
                let _ = change(&log, &job_id, job::Command::Return { fence }).await;
            }
        });
    }
}

#[cfg(test)]
mod tests;
