//! The settings of a worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use roomcast_proto::v1::WorkerHello;
use tokio_util::sync::CancellationToken;

use super::pool::{Handler, Pool};
use super::{Completion, Stop, Work, Worker};
use crate::client::Client;
use crate::error::Error;

/// For work that a person waits for, and well within the time that service managers give.
const DRAIN_PATIENCE: Duration = Duration::from_secs(20);

/// A worker to be: what it serves, and how many jobs at once.
#[derive(Debug)]
pub struct Builder {
    client: Client,
    hello: WorkerHello,
    handlers: HashMap<String, Handler>,
    drain_patience: Duration,
}

impl Client {
    /// A worker to be, under a name that is this process's alone, `[A-Za-z0-9_.-]{1,128}`. It shows the
    /// service's credential where there is one: beside it a user's own would only narrow the rights.
    #[must_use]
    pub fn worker(&self, worker_id: impl Into<String>) -> Builder {
        let hello = WorkerHello { worker_id: worker_id.into(), slots: 1, ..WorkerHello::default() };
        let (client, handlers) = (self.as_service(), HashMap::new());
        Builder { client, hello, handlers, drain_patience: DRAIN_PATIENCE }
    }
}

impl Builder {
    /// How many jobs at once, 1 to 1024; 1 unless said.
    #[must_use]
    pub fn slots(mut self, slots: u32) -> Self {
        self.hello.slots = slots;
        self
    }

    /// Serves one tenant alone.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.hello.tenant = tenant.into();
        self
    }

    /// Serves a kind of job, for [`Worker::next`]. A worker has 1 to 64 kinds.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        let kind = kind.into();
        if !self.hello.kinds.contains(&kind) {
            self.hello.kinds.push(kind);
        }
        self
    }

    /// Serves a kind of job with a handler, for [`Builder::run`].
    ///
    /// The handler's future is dropped where it stands when the lease is lost, and at the end of a
    /// drain. A cancellation is the handler's own to notice, by [`Work::cancelled`]; if it does not, the
    /// job ends without it after the grace, and the lease is lost.
    #[must_use]
    pub fn handle<H, F>(mut self, kind: impl Into<String>, handler: H) -> Self
    where
        H: Fn(Work) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Completion, Stop>> + Send + 'static,
    {
        let kind = kind.into();
        let handler = Handler(Arc::new(move |work| Box::pin(handler(work))));
        self.handlers.insert(kind.clone(), handler);
        self.kind(kind)
    }

    /// How long jobs may go on once a drain has begun, 20 s unless said. What has not ended then goes
    /// back to the queue, and the attempt does not count.
    #[must_use]
    pub fn drain_patience(mut self, patience: Duration) -> Self {
        self.drain_patience = patience;
        self
    }

    /// Connects, and goes on until drained or dropped.
    #[must_use]
    pub fn start(self) -> Worker {
        Worker::start(self.client, self.hello)
    }

    /// Does jobs of the kinds that have a handler until `stop` is cancelled, then drains.
    ///
    /// # Errors
    /// [`Error::Refused`] when the core refuses this worker for good.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Error> {
        // A job that nobody handles would be given back, and come again at once.
        self.hello.kinds.retain(|kind| self.handlers.contains_key(kind));
        let worker = Worker::start(self.client, self.hello);
        Pool::new(worker, self.handlers, self.drain_patience).run(stop).await
    }
}
