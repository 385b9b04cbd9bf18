//! A publish on its way.

use std::future::IntoFuture;

use futures::future::BoxFuture;
use roomcast_proto::v1::{NewEvent, PublishBatchRequest, PublishRequest};
use uuid::Uuid;

use super::{Publisher, Receipt};
use crate::client::call;
use crate::error::Error;
use crate::event::Event;
use crate::patience::Patience;

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
