//! A publish on its way.

use std::future::IntoFuture;
use std::time::Duration;

use futures::future::BoxFuture;
use roomcast_proto::v1::{NewEvent, PublishBatchRequest, PublishRequest};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Publisher, Receipt};
use crate::backoff::Backoff;
use crate::client::call;
use crate::error::Error;
use crate::event::Event;

/// Longer than a core's restart; whoever publishes has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest wait before the second try; doubled up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// See [`RETRY_FIRST`].
const RETRY_MAX: Duration = Duration::from_secs(2);

/// One event to publish; see [`Publisher::publish`].
#[derive(Debug, Clone)]
#[must_use = "a publish does nothing unless awaited"]
pub struct Publish {
    publisher: Publisher,
    request: PublishRequest,
}

/// Events to publish together; see [`Publisher::publish_batch`].
#[derive(Debug, Clone)]
#[must_use = "a publish does nothing unless awaited"]
pub struct PublishBatch {
    publisher: Publisher,
    request: PublishBatchRequest,
}

impl Publish {
    pub(super) fn new(publisher: Publisher, topic: String, event: Event) -> Self {
        let request = PublishRequest {
            topic,
            event: Some(event.into()),
            tenant: publisher.tenant.clone(),
            idempotency_key: Uuid::new_v4().to_string(),
            ..PublishRequest::default()
        };
        Self { publisher, request }
    }

    /// The same key and content within 24 h answer the same event. At most 128 bytes; an empty one
    /// leaves the publish its own.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        if !key.is_empty() {
            self.request.idempotency_key = key;
        }
        self
    }

    /// Refused with the code `offset_conflict` unless the topic's last event has this offset.
    pub fn expected_offset(mut self, offset: u64) -> Self {
        self.request.expected_offset = Some(offset);
        self
    }

    async fn run(self) -> Result<Receipt, Error> {
        let mut patience = Patience::new();
        loop {
            let mut broadcast = self.publisher.client.broadcast();
            match broadcast.publish(call(self.request.clone())).await {
                Ok(answer) => return Ok(answer.into_inner().published.unwrap_or_default()),
                Err(status) => patience.bear(status.into()).await?,
            }
        }
    }
}

impl PublishBatch {
    pub(super) fn new(publisher: Publisher, topic: String, events: Vec<Event>) -> Self {
        let request = PublishBatchRequest {
            topic,
            events: events.into_iter().map(NewEvent::from).collect(),
            tenant: publisher.tenant.clone(),
            idempotency_key: Uuid::new_v4().to_string(),
            ..PublishBatchRequest::default()
        };
        Self { publisher, request }
    }

    /// The same key and content within 24 h answer the same events. At most 128 bytes; an empty one
    /// leaves the publish its own.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        if !key.is_empty() {
            self.request.idempotency_key = key;
        }
        self
    }

    /// Refused with the code `offset_conflict` unless the topic's last event has this offset.
    pub fn expected_offset(mut self, offset: u64) -> Self {
        self.request.expected_offset = Some(offset);
        self
    }

    async fn run(self) -> Result<Vec<Receipt>, Error> {
        let mut patience = Patience::new();
        loop {
            let mut broadcast = self.publisher.client.broadcast();
            match broadcast.publish_batch(call(self.request.clone())).await {
                Ok(answer) => return Ok(answer.into_inner().published),
                Err(status) => patience.bear(status.into()).await?,
            }
        }
    }
}

impl IntoFuture for Publish {
    type Output = Result<Receipt, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl IntoFuture for PublishBatch {
    type Output = Result<Vec<Receipt>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// What is left of the wish to try again.
struct Patience {
    until: Instant,
    backoff: Backoff,
}

impl Patience {
    fn new() -> Self {
        Self { until: Instant::now() + PATIENCE, backoff: Backoff::new(RETRY_FIRST, RETRY_MAX) }
    }

    /// Waits before the next try; answers the error when there is to be none.
    async fn bear(&mut self, error: Error) -> Result<(), Error> {
        let pause = self.backoff.wait().max(error.retry_after().unwrap_or_default());
        if !error.is_retryable() || Instant::now() + pause >= self.until {
            return Err(error);
        }
        sleep(pause).await;
        Ok(())
    }
}
