//! The worker's side of `JobService.Work`.
//!
//! A worker holds up to as many jobs at once as it has slots. [`Builder::run`] does the most: a handler
//! for each kind, a task for each job, a drain at the end. Below it stands [`Worker::next`], which
//! answers the next job as a [`Work`]: its input, a token that is cancelled when somebody asks the job
//! to end, one that is cancelled when the lease is lost, and the door for reports.
//!
//! The stream to the core is kept open: when it breaks, the worker comes back and tells which leases
//! it still holds. A report is kept until the core says that it is durable, and goes again under the
//! same number after a reconnect; so the core takes each one exactly once, and a restart of the core
//! loses none. The ring of kept reports is bounded: [`Work::report`] waits while it is full, and
//! [`Work::flush`] until all before it are durable.
//!
//! [`builder`] and the handlers in [`pool`]; [`work`], and what is said about it ([`news`], [`end`]); the driver of the stream with its held leases and their rings, which hold no
//! lock and know no clock.

mod builder;
mod driver;
mod end;
mod held;
mod news;
mod order;
mod pool;
mod ring;
mod work;

use roomcast_proto::v1::WorkerHello;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

pub use self::builder::Builder;
use self::driver::Driver;
pub use self::end::{Completion, End, Failure, Lost, ReportError, Stop};
pub use self::news::{News, Progress};
use self::order::Order;
pub use self::work::Work;
use crate::client::Client;
use crate::error::Error;

/// Reports on their way to the driver; behind them the ring is the bound.
const ORDERS_MAX: usize = 16;

/// A worker that is connected, or on its way back. Dropping it leaves its jobs to their leases.
#[derive(Debug)]
pub struct Worker {
    orders: mpsc::Sender<Order>,
    assigned: mpsc::Receiver<Work>,
    /// None once its end was told.
    driver: Option<AbortOnDropHandle<Result<(), Status>>>,
}

impl Worker {
    fn start(client: Client, hello: WorkerHello) -> Worker {
        let (orders, orders_of_driver) = mpsc::channel(ORDERS_MAX);
        // As many as can be assigned at once, so that handing over never waits.
        let slots = usize::try_from(hello.slots.max(1)).unwrap_or(1);
        let (handing_over, assigned) = mpsc::channel(slots);
        let driver =
            Driver::new(client, hello, orders.clone().downgrade(), orders_of_driver, handing_over);
        let driver = AbortOnDropHandle::new(tokio::spawn(driver.run()));
        Worker { orders, assigned, driver: Some(driver) }
    }

    /// The next job; `None` once the worker has drained. Safe to drop while it waits.
    ///
    /// # Errors
    /// [`Error::Refused`] when the core refuses this worker for good: what it held is lost then.
    pub async fn next(&mut self) -> Result<Option<Work>, Error> {
        if let Some(work) = self.assigned.recv().await {
            return Ok(Some(work));
        }
        let Some(driver) = &mut self.driver else { return Ok(None) };
        let ended = driver.await;
        self.driver = None;
        match ended {
            Ok(Err(status)) => Err(status.into()),
            Ok(Ok(())) | Err(_) => Ok(None),
        }
    }

    /// Takes no more jobs. The worker ends when those it holds have.
    pub async fn drain(&self) {
        // A driver that has ended takes no jobs either.
        let _ = self.orders.send(Order::Drain).await;
    }
}

#[cfg(test)]
mod tests;
