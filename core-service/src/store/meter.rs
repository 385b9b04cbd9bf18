//! What the store says of itself in `/metrics`.

use std::time::Duration;

/// A transaction of so many requests took so long, fsync included.
pub(crate) fn committed(requests: usize, took: Duration) {
    metrics::counter!("roomcast_store_commits_total").increment(requests as u64);
    #[allow(clippy::cast_precision_loss, reason = "at most the size of a batch")]
    metrics::histogram!("roomcast_store_batch_requests").record(requests as f64);
    metrics::histogram!("roomcast_store_commit_seconds").record(took.as_secs_f64());
}

/// So many requests wait.
pub(crate) fn queue_depth(requests: usize) {
    #[allow(clippy::cast_precision_loss, reason = "at most the size of the queue")]
    metrics::gauge!("roomcast_store_queue_requests").set(requests as f64);
}
