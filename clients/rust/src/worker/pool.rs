//! Handlers at work: one task for each held job.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Worker;
use super::end::{Completion, End, Failure, ReportError, Stop};
use super::news::News;
use super::work::Work;
use crate::error::Error;

/// After a drain's patience, for what was given back to get on record: a core that is away longer sees
/// the leases run out.
const LAST_WORDS: Duration = Duration::from_secs(5);

type Handled = BoxFuture<'static, Result<Completion, Stop>>;

/// What is done with the jobs of a kind.
#[derive(Clone)]
pub(super) struct Handler(pub(super) Arc<dyn Fn(Work) -> Handled + Send + Sync>);

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handler")
    }
}

#[derive(Debug)]
pub(super) struct Pool {
    worker: Worker,
    handlers: HashMap<String, Handler>,
    patience: Duration,
}

impl Pool {
    pub(super) fn new(
        worker: Worker,
        handlers: HashMap<String, Handler>,
        patience: Duration,
    ) -> Self {
        Self { worker, handlers, patience }
    }

    /// Until drained, and no longer than a drain may take.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<(), Error> {
        let drain_max = self.patience + LAST_WORDS;
        let too_late = async {
            stop.cancelled().await;
            sleep(drain_max).await;
        };
        tokio::select! {
            ended = self.serve(&stop) => ended,
            () = too_late => {
                tracing::warn!("the core did not hear the drain out; jobs are left to their leases");
                Ok(())
            }
        }
    }

    async fn serve(&mut self, stop: &CancellationToken) -> Result<(), Error> {
        let enough = CancellationToken::new();
        let mut patient_until = None;
        // Dropped with this future, and so are the handlers at work.
        let mut attempts = JoinSet::new();
        loop {
            tokio::select! {
                next = self.worker.next() => match next? {
                    Some(work) => self.begin(work, &enough, &mut attempts),
                    None => break,
                },
                Some(_) = attempts.join_next() => {}
                () = stop.cancelled(), if patient_until.is_none() => {
                    patient_until = Some(Instant::now() + self.patience);
                    self.worker.drain().await;
                }
                () = sleep_until(patient_until.unwrap_or_else(Instant::now)),
                    if patient_until.is_some() && !enough.is_cancelled() => enough.cancel(),
            }
        }
        while attempts.join_next().await.is_some() {}
        Ok(())
    }

    fn begin(&self, work: Work, enough: &CancellationToken, attempts: &mut JoinSet<()>) {
        let handler = self.handlers.get(&work.job().kind).cloned();
        attempts.spawn(attempt(work, handler, enough.clone()));
    }
}

/// From a job's first report to its last.
async fn attempt(work: Work, handler: Option<Handler>, enough: CancellationToken) {
    let Some(Handler(handle)) = handler else {
        return conclude(&work, End::Released("the worker has no handler for it".to_owned())).await;
    };
    // The attempt begins at once, even of a handler that says nothing for long.
    if work.report(News::new()).await.is_err() {
        return;
    }
    // The handler is called in there too: it may panic before it has a future.
    let handled = AssertUnwindSafe(async { handle(work.clone()).await }).catch_unwind();
    let end = tokio::select! {
        handled = handled => match handled {
            Ok(Ok(completion)) => End::Completed(completion),
            Ok(Err(Stop::Failed(failure))) => End::Failed(failure),
            Ok(Err(Stop::Cancelled)) => End::Cancelled,
            Ok(Err(Stop::Released(reason))) => End::Released(reason),
            Ok(Err(Stop::Lost)) => return,
            Err(_) => End::Failed(Failure::new("panicked", "the worker's handler panicked")),
        },
        () = work.lost().cancelled() => return,
        () = enough.cancelled() => End::Released("the worker is shutting down".to_owned()),
    };
    conclude(&work, end).await;
}

/// An end that the core does not take, such as a result that is too large, becomes a failure that
/// says so: a job always ends.
async fn conclude(work: &Work, end: End) {
    match work.end(end).await {
        Ok(()) | Err(ReportError::Lost(_)) => {}
        Err(ReportError::Refused(failure)) => {
            tracing::warn!(code = failure.code(), "the core refused a job's end");
            // Refused as well, or lost: the lease runs out.
            let _ = work.end(End::Failed(failure)).await;
        }
    }
}
