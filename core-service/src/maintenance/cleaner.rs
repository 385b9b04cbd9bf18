//! The cleaner: deletes what is past its retention, a little at a time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::leadership::Leadership;
use crate::log::{Log, now};
use crate::store::{CleanBudget, Cleaned};

/// Events deleted in one commit, and the time it may take: commits in the queue wait behind it.
const BUDGET_EVENTS: usize = 500;
/// See [`BUDGET_EVENTS`].
const BUDGET_TIME: Duration = Duration::from_millis(4);
/// Between two cleanings when there is nothing to do.
const REST: Duration = Duration::from_secs(10);
/// Between two cleanings when there is: the queue's turn.
const BREATH: Duration = Duration::from_millis(20);

/// Runs until `stop`, whenever this core leads.
pub async fn run(log: Log, leadership: Leadership, stop: CancellationToken) {
    while stop.run_until_cancelled(leadership.held()).await.is_some() {
        let budget = CleanBudget { now: now(), events: BUDGET_EVENTS, time: BUDGET_TIME };
        let pause = match log.store().clean(budget).await {
            Ok(cleaned) if cleaned == Cleaned::default() => REST,
            Ok(cleaned) => {
                metrics::counter!("roomcast_cleaned_events_total").increment(cleaned.events);
                metrics::counter!("roomcast_cleaned_jobs_total").increment(cleaned.jobs);
                BREATH
            }
            Err(error) => {
                tracing::warn!(%error, "cleaning waits");
                REST
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
