//! The worker's side of `JobService.Work`.
//!
//! [`Worker::start`] opens the stream and keeps it open: when it breaks, it comes back and tells the
//! core which leases it still holds. [`Worker::next`] answers the next job as a [`Work`]: its input,
//! a token that is cancelled when somebody asks the job to end, one that is cancelled when the lease
//! is lost, and the door for reports.
//!
//! A report is kept until the core says that it is durable, and goes again under the same number after
//! a reconnect; so the core takes each one exactly once, and a restart of the core loses none. The
//! ring of kept reports is bounded: [`Work::report`] waits while it is full.

mod driver;
mod held;
mod ring;

use std::sync::Arc;
use std::time::Duration;

use roomcast_proto::v1::{self, Fault, Job, Lease, Report, WorkerHello, report};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use self::driver::{Driver, Order};
use self::held::Stop;
use crate::connection::Jobs;

/// Reports on their way to the driver; behind them the ring is the bound.
const ORDERS_MAX: usize = 16;

/// A worker that is connected, or on its way back.
#[derive(Debug)]
pub(crate) struct Worker {
    orders: mpsc::Sender<Order>,
    assigned: mpsc::Receiver<Work>,
    driver: AbortOnDropHandle<Result<(), Status>>,
}

impl Worker {
    /// Connects as `hello` says, and goes on until drained or dropped.
    pub(crate) fn start(jobs: Jobs, hello: WorkerHello) -> Worker {
        let (orders, orders_of_driver) = mpsc::channel(ORDERS_MAX);
        // As many as can be assigned at once, so that handing over never waits.
        let slots = usize::try_from(hello.slots.max(1)).unwrap_or(1);
        let (handing_over, assigned) = mpsc::channel(slots);
        let driver =
            Driver::new(jobs, hello, orders.clone().downgrade(), orders_of_driver, handing_over);
        let driver = AbortOnDropHandle::new(tokio::spawn(driver.run()));
        Worker { orders, assigned, driver }
    }

    /// The next job.
    ///
    /// # Errors
    /// When the core refuses this worker for good.
    pub(crate) async fn next(&mut self) -> Result<Work, Status> {
        match self.assigned.recv().await {
            Some(work) => Ok(work),
            None => match (&mut self.driver).await {
                Ok(Err(status)) => Err(status),
                Ok(Ok(())) | Err(_) => Err(Status::cancelled("the worker has ended")),
            },
        }
    }

    /// Takes no more jobs. The worker ends when those it holds have.
    pub(crate) async fn drain(&self) {
        // A driver that has ended takes no jobs either.
        let _ = self.orders.send(Order::Drain).await;
    }
}

/// A job in this worker's hands.
#[derive(Debug)]
pub(crate) struct Work {
    job: Job,
    lease: Lease,
    orders: mpsc::WeakSender<Order>,
    room: Arc<Semaphore>,
    stop: Arc<Stop>,
    lost: CancellationToken,
}

/// What a report says, apart from its number.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct News {
    pub(crate) progress: Option<v1::ProgressUpdate>,
    pub(crate) output: Vec<v1::OutputChunk>,
}

/// The lease is lost: the job is another's, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease on the job is lost")]
pub(crate) struct Lost;

/// Why an end was not recorded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum EndError {
    /// The lease is lost.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The core does not take this end. The job goes on.
    #[error("{} [{}]", .0.message, .0.code)]
    Refused(Fault),
}

impl Work {
    /// The job, with its input.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// Cancelled when somebody asks the job to end.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.stop.token
    }

    /// How long after the cancellation the job ends without the worker.
    pub(crate) fn grace(&self) -> Option<Duration> {
        self.stop.grace.get().copied()
    }

    /// Cancelled when the lease is lost. Drop the work then.
    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Records news. Waits while too many reports are on their way.
    pub(crate) async fn report(&self, news: News) -> Result<(), Lost> {
        let report = Report { progress: news.progress, output: news.output, ..Report::default() };
        self.put(report, None).await
    }

    /// Ends the attempt; `Ok` when that is durable.
    pub(crate) async fn end(&self, end: report::End) -> Result<(), EndError> {
        let (settled, outcome) = oneshot::channel();
        let report = Report { end: Some(end), ..Report::default() };
        self.put(report, Some(settled)).await?;
        match outcome.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(EndError::Refused(fault)),
            Err(_) => Err(Lost.into()),
        }
    }

    async fn put(&self, report: Report, settled: Option<driver::Settled>) -> Result<(), Lost> {
        let permit = self.room.acquire().await.map_err(|_| Lost)?;
        let orders = self.orders.upgrade().ok_or(Lost)?;
        let order = Order::Report { lease: self.lease.clone(), report: Box::new(report), settled };
        orders.send(order).await.map_err(|_| Lost)?;
        // The ring gives it back when the report is durable.
        permit.forget();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
