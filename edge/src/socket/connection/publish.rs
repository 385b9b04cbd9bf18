//! Publishing to rooms.

use roomcast_proto::{
    registry::Code,
    v1::{NewEvent, Payload, PublishRequest},
};

use super::{Connection, Failure, Outcome};
use crate::socket::{
    command::Publish,
    payload::{Answered, Published},
    refusal::Refusal,
};

impl Connection {
    /// Publishes an event in the user's name, if the core lets the user. The answer comes when it is
    /// durable.
    pub(super) async fn publish(&self, publish: Publish, ack: Option<i64>) -> Outcome {
        let Publish { room, kind, data } = publish;
        let payload = Payload { data: data.into(), ..Payload::default() };
        let request = PublishRequest {
            topic: format!("room:{room}"),
            event: Some(NewEvent { r#type: kind, payload: Some(payload) }),
            ..PublishRequest::default()
        };
        let request = self.identity.caller(self.trace.child()).request(request);
        let answer = self.state.upstream.broadcast().publish(request).await;
        // What is published stands under `data` here; the contract calls it the payload.
        let answer =
            answer.map_err(|status| Refusal::from(&status).naming("payload", "data"))?.into_inner();
        let Some(published) = answer.published else {
            return Err(Failure::Refused(Refusal::new(
                Code::Internal,
                Code::Internal.entry().cause,
            )));
        };
        if let Some(ack) = ack {
            let answer = Published {
                event_id: &published.event_id,
                cursor: &published.cursor,
                offset: published.offset,
            };
            self.outlet.acknowledge(ack, &Answered { ok: true, answer }).await?;
        }
        Ok(())
    }
}
