//! A job in this worker's hands.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{Fault, Job, Lease, Report};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::end::{End, Failure, Lost, ReportError};
use super::held::{Held, Taken, Wish, places};
use super::news::{CHUNK_BYTES_MAX, News, Progress};
use super::order::{Order, Waiting};

/// The core takes no message of more than 4 MiB, and ends the connection that brings one, again and again;
/// this leaves room for what a report says beside its content.
const REPORT_BYTES_MAX: usize = (4 << 20) - (4 << 10);

/// A job with its lease. Cheap to clone. When the last clone is dropped and the job has no end, the lease
/// runs out, as if the worker were lost.
#[derive(Debug, Clone)]
pub struct Work {
    taken: Arc<Taken>,
    lease: Lease,
    orders: mpsc::WeakSender<Order>,
    room: Arc<Semaphore>,
    wish: Arc<Wish>,
    lost: CancellationToken,
}

impl Work {
    pub(super) fn new(taken: Arc<Taken>, held: &Held, orders: mpsc::WeakSender<Order>) -> Self {
        Self {
            taken,
            lease: held.lease.clone(),
            orders,
            room: held.room.clone(),
            wish: held.wish.clone(),
            lost: held.lost.clone(),
        }
    }

    /// The job as it was handed out, with its input.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.taken.job
    }

    /// The number that grows with every owner of the job: a store of the worker's own that refuses
    /// smaller ones is safe from a worker that is late.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.lease.fence
    }

    /// The job's input.
    ///
    /// # Errors
    /// A final [`Failure`] with the code `input_invalid` when it is not JSON of this shape.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let data = self.job().input.as_ref().map_or(&b"null"[..], |input| &input.data);
        serde_json::from_slice(data)
            .map_err(|error| Failure::new("input_invalid", format!("the job's input: {error}")))
    }

    /// Cancelled when somebody asks the job to end.
    #[must_use]
    pub fn cancelled(&self) -> &CancellationToken {
        &self.wish.token
    }

    /// How long after the cancellation the job ends without the worker.
    #[must_use]
    pub fn grace(&self) -> Option<Duration> {
        self.wish.grace.get().copied()
    }

    /// Cancelled when the lease is lost. Drop the work then.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Records news. Waits while too many reports are on their way.
    ///
    /// # Errors
    /// [`Lost`]: nobody listens any more.
    pub async fn report(&self, news: News) -> Result<(), Lost> {
        self.put(news.into(), Waiting::Nobody).await
    }

    /// Says how far the work is, 0 to 100, and where.
    ///
    /// # Errors
    /// [`Lost`]: nobody listens any more.
    pub async fn update(&self, percent: f64, message: &str) -> Result<(), Lost> {
        self.report(News::new().progress(Progress::new().percent(percent).message(message))).await
    }

    /// Says that the work is so much further, stopping at 100, and where.
    ///
    /// # Errors
    /// [`Lost`]: nobody listens any more.
    pub async fn increment(&self, percent: f64, message: &str) -> Result<(), Lost> {
        self.report(News::new().progress(Progress::new().increment(percent).message(message))).await
    }

    /// Says which part of the work begins, and how far the work is, 0 to 100.
    ///
    /// # Errors
    /// [`Lost`]: nobody listens any more.
    pub async fn stage(&self, stage: &str, percent: f64) -> Result<(), Lost> {
        self.report(News::new().progress(Progress::new().stage(stage).percent(percent))).await
    }

    /// Writes to a channel of the job's output: as much as it may be, in a report for each 256 KiB.
    ///
    /// # Errors
    /// [`Lost`]: nobody listens any more.
    pub async fn write(&self, channel: &str, data: impl Into<Bytes>) -> Result<(), Lost> {
        let mut data = data.into();
        while !data.is_empty() {
            let piece = data.split_to(data.len().min(CHUNK_BYTES_MAX));
            self.report(News::new().output(channel, piece)).await?;
        }
        Ok(())
    }

    /// Waits until all that was reported is durable.
    ///
    /// # Errors
    /// [`ReportError`] when the lease is lost, or the core did not take one of the reports since the last
    /// flush.
    pub async fn flush(&self) -> Result<(), ReportError> {
        let (settled, outcome) = oneshot::channel();
        self.put(Report::default(), Waiting::Flush(settled)).await?;
        match outcome.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(ReportError::Refused(fault.into())),
            Err(_) => Err(Lost.into()),
        }
    }

    /// Ends the attempt; `Ok` when that is durable. Whatever was reported before comes before it.
    ///
    /// # Errors
    /// [`ReportError`] when the lease is lost, or the core does not take this end.
    pub async fn end(&self, end: End) -> Result<(), ReportError> {
        let (settled, outcome) = oneshot::channel();
        self.put(end.into(), Waiting::End(settled)).await?;
        match outcome.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(fault)) => Err(ReportError::Refused(fault.into())),
            Err(_) => Err(Lost.into()),
        }
    }

    async fn put(&self, report: Report, waiting: Waiting) -> Result<(), Lost> {
        let size = report.encoded_len();
        if size > REPORT_BYTES_MAX {
            return self.refuse(size, waiting).await;
        }
        let places = places(size);
        let permit = self.room.acquire_many(places).await.map_err(|_| Lost)?;
        let (lease, report) = (self.lease.clone(), Box::new(report));
        self.order(Order::Report { lease, report, places, waiting }).await?;
        // The ring gives it back when the report is durable.
        permit.forget();
        Ok(())
    }

    /// As the core refuses a report: it is dropped, and an attempt that was to end with it goes on.
    async fn refuse(&self, size: usize, waiting: Waiting) -> Result<(), Lost> {
        let code = Code::PayloadTooLarge.as_str();
        tracing::warn!(code, size, "a report is larger than a core takes");
        let message = format!("a report has at most {REPORT_BYTES_MAX} bytes, not {size}");
        let fault = Fault { code: code.into(), message, retryable: false };
        match waiting {
            Waiting::Nobody => {
                self.order(Order::Refused { lease: self.lease.clone(), fault }).await
            }
            Waiting::Flush(told) | Waiting::End(told) => {
                // Whoever waits for this is who calls it.
                let _ = told.send(Err(fault));
                Ok(())
            }
        }
    }

    async fn order(&self, order: Order) -> Result<(), Lost> {
        let orders = self.orders.upgrade().ok_or(Lost)?;
        orders.send(order).await.map_err(|_| Lost)
    }
}
